//! Crash points: places at which a test ends the process abruptly, as `kill -9` would.
//!
//! `TONEUP_CRASH_AT` names one; it counts in debug builds only. A release has no such places.

/// Ends the process if the environment names this crash point.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "no setting: it exists for tests only")]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    static NAMED: OnceLock<Option<String>> = OnceLock::new();
    let named = NAMED.get_or_init(|| std::env::var("TONEUP_CRASH_AT").ok());
    if named.as_deref() == Some(name) {
        std::process::abort();
    }
}

/// No effect in a release build.
#[cfg(not(debug_assertions))]
pub fn point(_name: &str) {}
