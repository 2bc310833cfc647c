//! ToneUp's measurements: a stub analyzer, a load generator, and one command for each scenario.

pub mod chaos;
pub mod contenders;
pub mod load;
pub mod measure;
pub mod proxy;
pub mod redis_lock;
pub mod report;
pub mod rolling;
pub mod scenarios;
pub mod site;
pub(crate) mod sockets;
pub mod streams;
pub mod stub;
pub mod uploads;

/// Selects the TLS implementation, once per process.
pub fn install_tls() {
    // An error means that it was selected before.
    rustls::crypto::ring::default_provider().install_default().ok();
}
