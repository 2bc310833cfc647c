//! Conditional requests (RFC 9110 §13).

use axum::http::{HeaderMap, header};

/// The entity tags of `If-None-Match`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IfNoneMatch<'a>(Option<&'a str>);

impl<'a> IfNoneMatch<'a> {
    /// Reads the header.
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        Self(headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()))
    }

    /// Whether the request has the header.
    pub(crate) fn is_present(self) -> bool {
        self.0.is_some()
    }

    /// Whether the client already has the representation with this tag.
    pub(crate) fn matches(self, tag: &str) -> bool {
        self.0.is_some_and(|known| known.split(',').any(|known| known.trim() == tag))
    }
}
