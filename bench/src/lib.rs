//! ToneUp's measurements: a stub analyzer, a load generator, and one command for each scenario.

pub mod chaos;
pub mod load;
pub mod measure;
pub mod proxy;
pub mod report;
pub mod rolling;
pub mod scenarios;
pub mod site;
pub mod streams;
pub mod stub;

/// Chooses the TLS implementation, once for the process.
pub fn install_tls() {
    // An error says that it was chosen already.
    rustls::crypto::ring::default_provider().install_default().ok();
}
