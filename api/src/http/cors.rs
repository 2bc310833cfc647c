//! Cross-origin requests: pages of the configured origins may call the API.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use toneup_platform::origins::PageOrigins;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::limits::{RATE_LIMIT, RATE_LIMIT_POLICY};

/// Lifetime of a preflight response in the browser's cache.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Lets pages of `origins` call with a token, and read what the answers' headers say.
pub(crate) fn layer(origins: &PageOrigins) -> CorsLayer {
    let exposed = [
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        RATE_LIMIT,
        RATE_LIMIT_POLICY,
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
    let origins = origins.iter().filter_map(|origin| origin.parse::<HeaderValue>().ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(sent)
        .expose_headers(exposed)
        .max_age(REMEMBERED)
}
