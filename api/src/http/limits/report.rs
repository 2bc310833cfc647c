//! Telling clients how much of their limits is left: the fields `RateLimit-Policy` and `RateLimit` of the IETF's draft
//! (draft-ietf-httpapi-ratelimit-headers-10).

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::gcra::{Policy, Verdict};

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Items of the two fields.
type Items = Arc<Mutex<Vec<(String, String)>>>;

tokio::task_local! {
    /// Header items of the limits checked during this request.
    static SAID: Items;
}

/// Notes what a policy said, in place of what it said before, for the response of the request in whose task this runs;
/// elsewhere, for nobody.
pub(super) fn note(policy: &Policy, verdict: Verdict) {
    let (policy, state) = items(policy, verdict);
    let tell = |said: &Items| {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|(earlier, _)| *earlier != policy);
        said.push((policy, state));
    };
    // Outside a request, nobody is told.
    SAID.try_with(tell).ok();
}

/// The policy, and what is left of it: `r` units, and all of them in `t` seconds.
fn items(policy: &Policy, verdict: Verdict) -> (String, String) {
    let Policy { name, quota, window } = policy;
    let free = policy.window_micros().saturating_sub(verdict.used_micros);
    let left = (free / policy.interval_micros().max(1)).min(u64::from(*quota));
    let reset = verdict.used_micros.div_ceil(1_000_000);
    (
        format!("\"{name}\";q={quota};w={}", window.as_secs()),
        format!("\"{name}\";r={left};t={reset}"),
    )
}

/// Middleware: adds what the limits said to the response, whatever it is.
pub(crate) async fn report(request: Request, next: Next) -> Response {
    let said = Items::default();
    let mut response = SAID.scope(Arc::clone(&said), next.run(request)).await;
    let said = std::mem::take(&mut *said.lock().unwrap_or_else(PoisonError::into_inner));
    if !said.is_empty() {
        let (policies, states): (Vec<_>, Vec<_>) = said.into_iter().unzip();
        for (name, items) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, states)] {
            if let Ok(value) = HeaderValue::from_str(&items.join(", ")) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_in_whole_units_and_seconds() {
        let verdict = Verdict { wait_micros: 0, used_micros: 4_500_000 };
        let (policy, state) = items(&Policy::per_minute("guest", 30), verdict);
        assert_eq!(
            (policy.as_str(), state.as_str()),
            ("\"guest\";q=30;w=60", "\"guest\";r=27;t=5")
        );
        let refused = Verdict { wait_micros: 1, used_micros: 60_000_000 };
        assert_eq!(items(&Policy::per_minute("guest", 30), refused).1, "\"guest\";r=0;t=60");
    }
}
