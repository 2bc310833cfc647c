//! Which other origins' pages may call the API: none, unless the configuration names them.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use toneup_platform::config::ConfigError;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

/// How long a browser may remember what it was allowed.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Reads `CORS_ORIGINS`: origins, separated by commas. A wildcard is none: tokens are sent along.
pub(crate) fn origins(text: &str) -> Result<Vec<HeaderValue>, ConfigError> {
    let origin = |text: &str| {
        let url: Url = text.parse().ok()?;
        let is_origin = url.origin().is_tuple() && url.origin().ascii_serialization() == text;
        is_origin.then(|| text.parse().ok()).flatten()
    };
    let parsed: Option<Vec<HeaderValue>> =
        text.split(',').map(|part| origin(part.trim())).collect();
    parsed.ok_or_else(|| {
        let expected = "origins such as https://app.example.com, separated by commas";
        ConfigError::invalid("CORS_ORIGINS", expected)
    })
}

/// Lets pages of `origins` call with a token, and read what the answers' headers say. `None` where there are none.
pub(crate) fn layer(origins: &[HeaderValue]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let exposed = [
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        HeaderName::from_static("preference-applied"),
    ];
    let sent = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_NONE_MATCH,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("last-event-id"),
        HeaderName::from_static("prefer"),
        HeaderName::from_static("traceparent"),
    ];
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(sent)
        .expose_headers(exposed)
        .max_age(REMEMBERED);
    Some(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_schemes_with_hosts_and_nothing_else() {
        assert_eq!(origins("https://a.example, http://b.example:8080").unwrap().len(), 2);
        for text in ["*", "a.example", "https://a.example/", "https://a.example/x", "https://a,"] {
            let refused = origins(text).unwrap_err().to_string();
            assert!(refused.starts_with("CORS_ORIGINS: expected origins"), "{text}");
        }
    }
}
