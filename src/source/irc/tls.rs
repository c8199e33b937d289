//! TLS, with the system's certificates, and its errors for users.
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::{IrcError, reason};
use super::name::ServerAddress;

const HANDSHAKE: Duration = Duration::from_secs(15);

/// Talks TLS over `tcp` from now on.
pub(crate) async fn handshake(
    server: &ServerAddress,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, IrcError> {
    let failed = |why: String| IrcError::Tls { server: server.clone(), why };
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| failed("its name cannot be in a certificate".to_owned()))?;
    // Certificates are read again for each connection: connections are rare, and certificates
    // change. Reading takes 10 ms and more, in which other sources must not wait.
    let client = tokio::task::spawn_blocking(client)
        .await
        .unwrap_or_else(|error| Err(error.to_string()))
        .map_err(failed)?;
    match timeout(HANDSHAKE, TlsConnector::from(client).connect(name, tcp)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failure(server, &error)),
        Err(_) => Err(failed(format!("no TLS answer within {} s", HANDSHAKE.as_secs()))),
    }
}

/// A client with the system's certificates, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
/// Certificates that cannot be read are skipped: one broken file is no reason to trust nobody.
fn client() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "certificates skipped");
    }
    let mut trusted = RootCertStore::empty();
    let (_, broken) = trusted.add_parsable_certificates(found.certs);
    if broken > 0 {
        tracing::debug!(broken, "certificates skipped");
    }
    if trusted.is_empty() {
        return Err("this system trusts no certificates; \
                    install ca-certificates or set SSL_CERT_FILE"
            .to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(Arc::new(client))
}

fn failure(server: &ServerAddress, error: &io::Error) -> IrcError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let server = server.clone();
    match cause {
        Some(rustls::Error::InvalidCertificate(problem)) => {
            IrcError::Untrusted { why: untrusted(problem, &server.host), server }
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            IrcError::Tls { server, why: "it does not speak TLS on this port".to_owned() }
        }
        Some(
            rustls::Error::AlertReceived(
                AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure,
            )
            | rustls::Error::PeerIncompatible(_),
        ) => IrcError::Tls { server, why: "it does not speak TLS 1.2 or newer".to_owned() },
        Some(other) => IrcError::Tls { server, why: format!("TLS: {other}") },
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            let why = "it hung up; it may not speak TLS on this port".to_owned();
            IrcError::Tls { server, why }
        }
        None => IrcError::Tls { server, why: reason(error) },
    }
}

/// Why a certificate is refused.
fn untrusted(problem: &CertificateError, host: &str) -> String {
    match problem {
        CertificateError::UnknownIssuer => "signed by nobody this system trusts".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; is this system's clock right?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is not for \"{host}\"")
        }
        CertificateError::Revoked => "it was revoked".to_owned(),
        CertificateError::BadSignature => "its signature is wrong".to_owned(),
        other => other.to_string(),
    }
}
