//! TLS: one implementation for every client in the process, and the trusted certificate authorities.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use lapin::tcp::OwnedTLSConfig;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{ConnectionAddr, IntoConnectionInfo, TlsCertificates};
pub use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use url::Url;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Longest time that data sent to Redis may stay without an acknowledgement (`TCP_USER_TIMEOUT`, RFC 5482) before the
/// connection counts as broken. The kernel's own limit is about a quarter of an hour.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// Silence after which the kernel asks whether the peer is still there, and the interval of further probes.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(2));

/// Makes *ring* the TLS implementation of the process. `main` calls this before it builds a client; later calls have no
/// effect.
pub fn install() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Certificate authorities trusted for encrypted connections to our own servers: the public roots, which are compiled
/// in, and those of `TLS_CA_FILE`. Each client library needs them in its own form: one method each.
///
/// What speaks to the public (webhooks, Web Push, FCM) has no part in it. Cheap to clone.
#[derive(Clone, Default, Deserialize)]
#[serde(try_from = "PathBuf")]
pub struct Trust {
    own: Arc<[CertificateDer<'static>]>,
}

impl TryFrom<PathBuf> for Trust {
    type Error = String;

    fn try_from(path: PathBuf) -> Result<Self, String> {
        Self::read(&path).map_err(|why| {
            format!("expected a file of certificates in PEM, {}: {why}", path.display())
        })
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust(the public roots and {} more)", self.own.len())
    }
}

impl Trust {
    /// Reads and validates a file of certificates here, since some libraries ignore invalid ones and others panic.
    fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read(path).map_err(|error| error.to_string())?;
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        if certificates.is_empty() {
            return Err("there is none in it".to_owned());
        }
        let mut store = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            let added = store.add(certificate.clone());
            added.map_err(|error| format!("number {} cannot be used: {error}", index + 1))?;
        }
        Ok(Self { own: certificates.into() })
    }

    /// Configuration for rustls clients. It offers HTTP/1.1 only.
    pub fn rustls(&self) -> ClientConfig {
        install();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.all().cloned());
        ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
    }

    /// Configuration for the AMQP client, which adds them to the public roots by itself.
    pub fn amqp(&self) -> OwnedTLSConfig {
        let own = (!self.own.is_empty()).then(|| pem(self.own.iter()));
        OwnedTLSConfig { identity: None, cert_chain: own }
    }

    /// Creates a client of the Redis at `url`. Roots passed to it replace the public ones, so both are passed.
    pub fn redis(&self, url: &str) -> Result<redis::Client, redis::RedisError> {
        let server = url.into_connection_info()?.set_tcp_settings(lively());
        if self.own.is_empty() || !matches!(server.addr(), ConnectionAddr::TcpTls { .. }) {
            return redis::Client::open(server);
        }
        let roots = pem(self.all()).into_bytes();
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(roots) };
        redis::Client::build_with_tls(server, certificates)
    }

    /// TLS context for the S3 client, which would otherwise read the system's roots; a container may have none.
    pub fn s3(&self) -> Result<TlsContext, aws_smithy_http_client::HttpClientError> {
        let roots = TrustStore::empty().with_pem_certificate(pem(self.all()));
        TlsContext::builder().with_trust_store(roots).build()
    }

    /// Connection options of the database at `url`. Parameters of the URL take precedence. Without an `ssl-mode` it is
    /// `VERIFY_IDENTITY` once `TLS_CA_FILE` is set: a certificate authority of one's own is there to be checked, and
    /// without checking the name any publicly trusted certificate would do.
    pub fn mysql(&self, url: &str) -> Result<MySqlConnectOptions, sqlx::Error> {
        let options: MySqlConnectOptions = url.parse()?;
        let url: Url = url.parse().map_err(|error| sqlx::Error::Configuration(Box::new(error)))?;
        let says = |names: &[&str]| url.query_pairs().any(|(name, _)| names.contains(&&*name));
        // A Unix socket stays on this machine.
        if self.own.is_empty() || says(&["socket"]) {
            return Ok(options);
        }
        let options = if says(&["ssl-ca", "sslca"]) {
            options
        } else {
            options.ssl_ca_from_pem(pem(self.own.iter()).into_bytes())
        };
        let is_chosen = says(&["ssl-mode", "sslmode"]);
        Ok(if is_chosen { options } else { options.ssl_mode(MySqlSslMode::VerifyIdentity) })
    }

    fn all(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        TLS_SERVER_ROOT_CERTS.iter().chain(self.own.iter())
    }
}

/// Socket options under which a lost peer is noticed within seconds.
fn lively() -> TcpSettings {
    let (idle, interval) = KEEPALIVE;
    TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(idle).with_interval(interval))
        .set_user_timeout(UNACKNOWLEDGED)
}

fn pem<'a>(certificates: impl Iterator<Item = &'a CertificateDer<'static>>) -> String {
    let blocks: Vec<pem::Pem> =
        certificates.map(|one| pem::Pem::new("CERTIFICATE", one.as_ref())).collect();
    pem::encode_many(&blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BrokerConfig, Settings};

    /// Parses a `TLS_CA_FILE` with this content.
    fn read(content: &[u8]) -> Result<Trust, String> {
        let path = std::env::temp_dir().join(format!("toneup-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, content).unwrap();
        let vars = [("AMQP_URL", "amqps://broker"), ("TLS_CA_FILE", path.to_str().unwrap())];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::from_vars(vars.into());
        let section = settings.section::<BrokerConfig>();
        std::fs::remove_file(&path).unwrap();
        section.map(|broker| broker.trust).map_err(|error| error.to_string())
    }

    /// A trust that contains a generated certificate authority.
    fn trust() -> Trust {
        read(pem(TLS_SERVER_ROOT_CERTS.iter().take(1)).as_bytes()).unwrap()
    }

    #[test]
    fn a_bundle_is_read_whole_and_added_to_the_public_roots() {
        let two = pem(TLS_SERVER_ROOT_CERTS.iter().take(2));
        let trust = read(format!("the first two\n{two}").as_bytes()).unwrap();
        assert_eq!(trust.own.len(), 2);
        assert_eq!(trust.all().count(), TLS_SERVER_ROOT_CERTS.len() + 2);
        assert_eq!(format!("{trust:?}"), "Trust(the public roots and 2 more)");
    }

    #[test]
    fn without_a_file_there_are_the_public_roots_alone() {
        assert_eq!(Trust::default().all().count(), TLS_SERVER_ROOT_CERTS.len());
        assert_eq!(Trust::default().amqp(), OwnedTLSConfig::default());
    }

    #[test]
    fn a_file_that_holds_no_certificate_is_refused_with_the_variables_name() {
        let no_certificate = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        let broken = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n";
        for content in [&b""[..], b"hello", no_certificate, broken] {
            let message = read(content).unwrap_err();
            let expected = "TLS_CA_FILE: expected a file of certificates in PEM, /";
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_refused_with_the_variables_name() {
        let vars = [("AMQP_URL", "amqps://broker"), ("TLS_CA_FILE", "/nowhere.pem")];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::from_vars(vars.into());
        let message = settings.section::<BrokerConfig>().unwrap_err().to_string();
        let expected = "TLS_CA_FILE: expected a file of certificates in PEM, /nowhere.pem: No such";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn a_database_whose_address_says_nothing_is_checked_by_name() {
        let mode = |url: &str| format!("{:?}", trust().mysql(url).unwrap().get_ssl_mode());
        assert_eq!(mode("mysql://db/toneup"), "VerifyIdentity");
        assert_eq!(mode("mysql://db/toneup?ssl-mode=PREFERRED"), "Preferred");
        assert_eq!(mode("mysql://db/toneup?sslmode=VERIFY_CA"), "VerifyCa");
        assert_eq!(mode("mysql://db/toneup?socket=/run/mysqld.sock"), "Preferred");
        let without = Trust::default().mysql("mysql://db/toneup").unwrap();
        assert!(matches!(without.get_ssl_mode(), MySqlSslMode::Preferred));
    }

    #[test]
    fn an_authority_that_the_databases_address_names_is_not_replaced() {
        let options = |url: &str| format!("{:?}", trust().mysql(url).unwrap());
        assert!(options("mysql://db/toneup?ssl-ca=/own.pem").contains("/own.pem"));
        assert!(options("mysql://db/toneup").contains("ssl_ca: Some(Inline"));
    }

    #[test]
    fn redis_is_encrypted_by_its_address_alone() {
        install();
        let address = |url: &str| format!("{:?}", trust().redis(url).unwrap());
        assert!(!address("redis://cache").contains("TcpTls"));
        assert!(address("rediss://cache").contains("TcpTls"));
        assert!(trust().redis("http://cache").is_err());
    }
}
