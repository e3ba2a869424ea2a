//! A certificate and its authority, for servers in tests. The key is public: never trust any of it elsewhere.
//!
//! All are PEM and valid from 2020 until 2126. The certificate is for `localhost` and 127.0.0.1.

/// The authority that a client has to trust.
pub const AUTHORITY: &str = include_str!("tls/authority.pem");

/// The server's certificate, signed by the [authority](AUTHORITY).
pub const CERTIFICATE: &str = include_str!("tls/certificate.pem");

/// The certificate's private key.
pub const KEY: &str = include_str!("tls/key.pem");
