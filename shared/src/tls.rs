//! One TLS implementation for every client in the process.

/// Makes *ring* the process's TLS implementation. `main` calls this before it builds a client; later calls do nothing.
pub fn install() {
    drop(rustls::crypto::ring::default_provider().install_default());
}
