//! TLS to PostgreSQL, with libpq's meaning of `sslmode` ("libpq", 34.19.3): `prefer` and `require` encrypt without
//! asking who the server is, `verify-ca` and `verify-full` ask.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::config::SslMode;

use crate::{Error, ErrorKind, Result};

/// The URL's `sslmode` and `sslrootcert`.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsOptions {
    pub(crate) mode: TlsMode,
    /// A PEM file with the authorities to trust instead of the system's.
    root_certificates: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl TlsMode {
    pub(crate) fn for_driver(self) -> SslMode {
        match self {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        }
    }
}

impl TlsOptions {
    /// Takes the parameters that the driver does not know out of a URL's query.
    pub(crate) fn take_from(query: &str) -> Result<(TlsOptions, String)> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidUrl, message);
        let mut options = TlsOptions::default();
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", mode)) => {
                    options.mode = match mode {
                        "disable" => TlsMode::Disable,
                        "allow" | "prefer" => TlsMode::Prefer,
                        "require" => TlsMode::Require,
                        "verify-ca" => TlsMode::VerifyCa,
                        "verify-full" => TlsMode::VerifyFull,
                        other => {
                            return Err(invalid(format!("`{other}` is not an sslmode"))
                                .with_hint("use disable, prefer, require, verify-ca or verify-full"));
                        }
                    };
                }
                Some(("sslrootcert", path)) => {
                    let path = percent_decode_str(path).decode_utf8().map_err(|_| {
                        invalid("the `sslrootcert` of the database URL cannot be read".to_owned())
                            .with_hint("write the path in UTF-8, with `%` as %25")
                    })?;
                    options.root_certificates = Some(PathBuf::from(path.as_ref()));
                }
                _ => rest.push(pair),
            }
        }
        if !cfg!(feature = "tls") && !matches!(options.mode, TlsMode::Disable | TlsMode::Prefer) {
            return Err(invalid("the database URL asks for TLS, which this program was built without".to_owned())
                .with_hint("build it with crocus's feature `tls`, or use `sslmode=prefer`"));
        }
        // libpq: with a root certificate, `require` means `verify-ca`.
        if options.mode == TlsMode::Require && options.root_certificates.is_some() {
            options.mode = TlsMode::VerifyCa;
        }
        Ok((options, rest.join("&")))
    }
}

#[cfg(feature = "tls")]
pub(crate) use rustls_connector::Tls;

/// What stands in for TLS in a program without it: URLs that ask for it were refused.
#[cfg(not(feature = "tls"))]
#[derive(Clone)]
pub(crate) struct Tls;

#[cfg(not(feature = "tls"))]
impl Tls {
    pub(crate) async fn load(_: &TlsOptions) -> Result<Tls> {
        Ok(Tls)
    }

    pub(crate) async fn connect(
        &self,
        config: &tokio_postgres::Config,
    ) -> std::result::Result<tokio_postgres::Client, tokio_postgres::Error> {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
        drive(connection);
        Ok(client)
    }

    pub(crate) async fn cancel(
        &self,
        token: &tokio_postgres::CancelToken,
    ) -> std::result::Result<(), tokio_postgres::Error> {
        token.cancel_query(tokio_postgres::NoTls).await
    }

    pub(crate) fn distrust(_: &tokio_postgres::Error) -> Option<String> {
        None
    }
}

/// Keeps the connection going on a task of its own, and logs what the server says aside.
fn drive<S>(connection: tokio_postgres::Connection<tokio_postgres::Socket, S>)
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL has ended");
        }
    });
}

#[cfg(feature = "tls")]
mod rustls_connector {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr};
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tokio_postgres::Socket;
    use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

    use super::{TlsMode, TlsOptions, drive};
    use crate::{Error, ErrorKind};

    /// What connections need for TLS.
    #[derive(Clone)]
    pub(crate) struct Tls {
        /// `None`: none is wanted.
        config: Option<Arc<ClientConfig>>,
        mode: TlsMode,
    }

    impl Tls {
        /// Reads the certificates to trust, where any are asked for.
        pub(crate) async fn load(options: &TlsOptions) -> crate::Result<Tls> {
            let mode = options.mode;
            let config = match mode {
                TlsMode::Disable => None,
                TlsMode::Prefer | TlsMode::Require => Some(client_config(mode, None)),
                TlsMode::VerifyCa | TlsMode::VerifyFull => {
                    let options = options.clone();
                    let reading = tokio::task::spawn_blocking(move || {
                        roots(&options).and_then(|roots| client_config(mode, Some(roots)))
                    });
                    Some(reading.await.unwrap_or_else(|error| Err(error.to_string())))
                }
            };
            let config = config.transpose().map_err(|reason| {
                let text = format!("failed to prepare TLS: {reason}");
                Error::new(ErrorKind::InvalidUrl, text).with_hint("see `sslrootcert` in the database URL")
            })?;
            Ok(Tls { config: config.map(Arc::new), mode })
        }

        /// Connects, and drives the connection on a task of its own.
        pub(crate) async fn connect(
            &self,
            config: &tokio_postgres::Config,
        ) -> std::result::Result<tokio_postgres::Client, tokio_postgres::Error> {
            if self.config.is_none() {
                let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
                drive(connection);
                return Ok(client);
            }
            let (client, connection) = config.connect(self.clone()).await?;
            drive(connection);
            Ok(client)
        }

        /// Asks the server to stop what a connection is doing.
        pub(crate) async fn cancel(
            &self,
            token: &tokio_postgres::CancelToken,
        ) -> std::result::Result<(), tokio_postgres::Error> {
            match self.config {
                None => token.cancel_query(tokio_postgres::NoTls).await,
                Some(_) => token.cancel_query(self.clone()).await,
            }
        }

        /// Why the server's certificate is not trusted, if that is what went wrong.
        pub(crate) fn distrust(error: &tokio_postgres::Error) -> Option<String> {
            let io = std::error::Error::source(error)?.downcast_ref::<io::Error>()?;
            match io.get_ref()?.downcast_ref::<rustls::Error>()? {
                rustls::Error::InvalidCertificate(reason) => Some(match reason {
                    CertificateError::UnknownIssuer => "its certificate is not from a trusted authority".to_owned(),
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                        "its certificate is for another host".to_owned()
                    }
                    CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                        "its certificate has expired".to_owned()
                    }
                    other => format!("its certificate is invalid ({other})"),
                }),
                _ => None,
            }
        }
    }

    impl MakeTlsConnect<Socket> for Tls {
        type Stream = Encrypted;
        type TlsConnect = Handshake;
        type Error = io::Error;

        fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
            let config = self.config.clone().ok_or_else(|| io::Error::other("TLS is disabled"))?;
            Ok(Handshake { config, server: server_name(host, self.mode) })
        }
    }

    /// The server as its certificate should name it. `None`: no certificate can, and it is to be refused.
    fn server_name(host: &str, mode: TlsMode) -> Option<ServerName<'static>> {
        match ServerName::try_from(host.to_owned()) {
            Ok(server) => Some(server),
            Err(_) if mode == TlsMode::VerifyFull => None,
            // The name does not matter then, and an address is not told to the server.
            Err(_) => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into()),
        }
    }

    pub(crate) struct Handshake {
        config: Arc<ClientConfig>,
        server: Option<ServerName<'static>>,
    }

    impl TlsConnect<Socket> for Handshake {
        type Stream = Encrypted;
        type Error = io::Error;
        type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

        fn connect(self, socket: Socket) -> Self::Future {
            Box::pin(async move {
                let server = self.server.ok_or_else(|| {
                    io::Error::other(rustls::Error::InvalidCertificate(CertificateError::NotValidForName))
                })?;
                tokio_rustls::TlsConnector::from(self.config).connect(server, socket).await.map(Encrypted)
            })
        }
    }

    pub(crate) struct Encrypted(tokio_rustls::client::TlsStream<Socket>);

    impl TlsStream for Encrypted {
        fn channel_binding(&self) -> ChannelBinding {
            ChannelBinding::none()
        }
    }

    impl AsyncRead for Encrypted {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Encrypted {
        fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, buffer)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }

    fn client_config(mode: TlsMode, authorities: Option<RootCertStore>) -> Result<ClientConfig, String> {
        let provider = Arc::new(ring::default_provider());
        let authorities = authorities
            .map(|roots| WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build());
        let authorities = authorities.transpose().map_err(|error| error.to_string())?;
        let verifier = Verifier { authorities, host: mode == TlsMode::VerifyFull, provider: provider.clone() };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(config)
    }

    /// The authorities to trust: those of `sslrootcert`, or else the system's.
    fn roots(options: &TlsOptions) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        match &options.root_certificates {
            Some(path) => {
                let failed = |error: String| format!("failed to read `{}`: {error}", path.display());
                let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
                for certificate in CertificateDer::pem_slice_iter(&pem) {
                    let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                    roots.add(certificate).map_err(|error| failed(error.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(failed("there is no certificate in it".to_owned()));
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    return Err("the system has no authorities to trust".to_owned());
                }
            }
        }
        Ok(roots)
    }

    /// Verifies as much as the mode asks.
    #[derive(Debug)]
    struct Verifier {
        authorities: Option<Arc<WebPkiServerVerifier>>,
        host: bool,
        provider: Arc<CryptoProvider>,
    }

    impl ServerCertVerifier for Verifier {
        fn verify_server_cert(
            &self,
            certificate: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
            server: &ServerName<'_>,
            ocsp: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            let Some(authorities) = &self.authorities else {
                return Ok(ServerCertVerified::assertion());
            };
            match authorities.verify_server_cert(certificate, intermediates, server, ocsp, now) {
                // The host's name is checked last: with this error, the chain was good.
                Err(rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) if !self.host => Ok(ServerCertVerified::assertion()),
                result => result,
            }
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    }
}
