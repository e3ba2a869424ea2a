//! TLS to PostgreSQL, with libpq's meaning of `sslmode` ("libpq", 34.19.3): `prefer` and `require` encrypt without
//! asking who the server is, `verify-ca` and `verify-full` ask.

use std::path::PathBuf;

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
                    options.root_certificates = Some(PathBuf::from(path.replace("%2F", "/")))
                }
                _ => rest.push(pair),
            }
        }
        // libpq: with a root certificate, `require` means `verify-ca`.
        if options.mode == TlsMode::Require && options.root_certificates.is_some() {
            options.mode = TlsMode::VerifyCa;
        }
        Ok((options, rest.join("&")))
    }
}

#[cfg(not(feature = "tls"))]
pub(crate) async fn connect(
    config: &tokio_postgres::Config,
    _: &TlsOptions,
) -> std::result::Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    drive(connection);
    Ok(client)
}

#[cfg(feature = "tls")]
pub(crate) use rustls_connector::connect;

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

    /// Connects, and drives the connection on a task of its own.
    pub(crate) async fn connect(
        config: &tokio_postgres::Config,
        tls: &TlsOptions,
    ) -> std::result::Result<tokio_postgres::Client, tokio_postgres::Error> {
        if tls.mode == TlsMode::Disable {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
            drive(connection);
            return Ok(client);
        }
        let (client, connection) = config.connect(Connector { options: tls.clone() }).await?;
        drive(connection);
        Ok(client)
    }

    #[derive(Clone)]
    struct Connector {
        options: TlsOptions,
    }

    impl MakeTlsConnect<Socket> for Connector {
        type Stream = Encrypted;
        type TlsConnect = Handshake;
        type Error = io::Error;

        fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
            let server = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            Ok(Handshake { options: self.options.clone(), server })
        }
    }

    struct Handshake {
        options: TlsOptions,
        server: ServerName<'static>,
    }

    impl TlsConnect<Socket> for Handshake {
        type Stream = Encrypted;
        type Error = io::Error;
        type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

        fn connect(self, socket: Socket) -> Self::Future {
            Box::pin(async move {
                // The certificates are read here, not when the URL is: `prefer` on a server without TLS needs none.
                let connector = tokio_rustls::TlsConnector::from(Arc::new(client_config(&self.options)?));
                connector.connect(self.server, socket).await.map(Encrypted)
            })
        }
    }

    struct Encrypted(tokio_rustls::client::TlsStream<Socket>);

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

    fn client_config(options: &TlsOptions) -> io::Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier {
            authorities: match options.mode {
                TlsMode::VerifyCa | TlsMode::VerifyFull => Some(
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots(options)?), provider.clone())
                        .build()
                        .map_err(io::Error::other)?,
                ),
                TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => None,
            },
            host: options.mode == TlsMode::VerifyFull,
            provider: provider.clone(),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(config)
    }

    fn roots(options: &TlsOptions) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        match &options.root_certificates {
            Some(path) => {
                let failed = |error: String| io::Error::other(format!("failed to read `{}`: {error}", path.display()));
                let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                    roots.add(certificate).map_err(|error| failed(error.to_string()))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
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
