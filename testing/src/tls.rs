//! TLS in front of the services that tests use, with certificates of an otherwise unknown authority.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;
use uuid::Uuid;

/// A certificate authority of one test.
#[derive(Debug)]
pub struct Authority {
    /// Temporary directory, deleted on drop.
    directory: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Default for Authority {
    fn default() -> Self {
        let directory = std::env::temp_dir().join(format!("toneup-ca-{}", Uuid::now_v7()));
        std::fs::create_dir(&directory).expect("a directory of its own");
        let mut params = CertificateParams::default();
        // Two authorities of the same name would be confused by clients.
        params.distinguished_name.push(DnType::CommonName, Uuid::now_v7().to_string());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("its own certificate");
        let authority = Self { directory, issuer };
        authority.write("ca.pem", &authority.issuer.pem());
        authority
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

impl Authority {
    /// Path for `TLS_CA_FILE`, for clients that trust this authority.
    pub fn file(&self) -> String {
        self.path("ca.pem").display().to_string()
    }

    /// Issues a certificate for this machine's names and addresses; returns it and its key in PEM.
    fn issue(&self) -> (String, String) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    /// Writes a new certificate and its key to files; returns their paths.
    pub(crate) fn issue_files(&self) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue();
        (self.write("server.pem", &certificate), self.write("server.key", &key))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// Starts a TLS proxy in front of the server of `url`. Its URL is `url` with `scheme` and another port.
    pub async fn before(&self, url: &str, scheme: &str) -> Terminated {
        let server: Url = url.parse().expect("a URL");
        let host = server.host_str().expect("a host").to_owned();
        let port = server.port_or_known_default().expect("a port");
        let (certificate, key) = self.issue();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        toneup_platform::tls::install();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key).expect("a certificate");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, acceptor, (host, port)));
        // The scheme of a special URL cannot be set to that of another.
        let (_, rest) = url.split_once("://").expect("a scheme");
        let mut url: Url = format!("toneup://{rest}").parse().expect("a URL");
        url.set_port(Some(address.port())).expect("a port");
        let url = url.as_str().replacen("toneup", scheme, 1);
        Terminated { url, _serving: serving }
    }
}

/// A server behind a TLS proxy, until dropped.
#[derive(Debug)]
pub struct Terminated {
    /// URL of the proxy, as clients use it.
    pub url: String,
    _serving: JoinSet<()>,
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, server: (String, u16)) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        let (acceptor, server) = (acceptor.clone(), server.clone());
        connections.spawn(async move {
            // A client that does not trust us disconnects; the test learns of it from the client.
            let Ok(mut client) = acceptor.accept(client).await else { return };
            let mut server = TcpStream::connect(server).await.expect("the server behind");
            drop(copy_bidirectional(&mut client, &mut server).await);
        });
    }
}
