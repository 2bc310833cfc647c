//! Helpers of the test stack and of tests: the repository's files, a plain HTTP client, waiting.

use std::path::PathBuf;
use std::time::Duration;

/// Timeout for things that should happen at once.
pub const SOON: Duration = Duration::from_secs(20);

/// Creates an HTTP client without credentials.
pub(crate) fn http() -> reqwest::Client {
    toneup_platform::tls::install();
    // Longer than the longest wait that the api offers.
    let timeout = Duration::from_secs(70);
    reqwest::Client::builder().no_proxy().timeout(timeout).build().expect("an HTTP client")
}

/// Root directory of the repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .into()
}

/// Reads a test photo, as `scripts/fetch-photos.sh` fetches it.
pub fn photo(name: &str) -> Vec<u8> {
    let path = repository().join(".local/photos").join(name);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run scripts/fetch-photos.sh", path.display()))
}

/// Repeats `probe` until it is `Some`; fails after [`SOON`].
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited {SOON:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
