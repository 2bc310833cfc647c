//! Conditional requests (RFC 9110 §13).

use axum::http::HeaderMap;
use headers::{ETag, HeaderMapExt, IfNoneMatch};

/// The representations that a client has, by `If-None-Match`.
#[derive(Debug, Clone)]
pub(crate) struct Known(Option<IfNoneMatch>);

impl Known {
    /// Reads the header; one that cannot be read is as good as none.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self(headers.typed_get())
    }

    /// Returns true if the request has the header.
    pub(crate) fn is_named(&self) -> bool {
        self.0.is_some()
    }

    /// Returns true if the client has the representation with this entity tag, by weak comparison; `*` matches any.
    pub(crate) fn includes(&self, tag: &str) -> bool {
        let known = self.0.as_ref().zip(tag.parse::<ETag>().ok());
        known.is_some_and(|(known, tag)| !known.precondition_passes(&tag))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::IF_NONE_MATCH;

    use super::*;

    fn known(lines: &[&str]) -> Known {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_NONE_MATCH, HeaderValue::from_str(line).unwrap());
        }
        Known::of(&headers)
    }

    #[test]
    fn tags_are_compared_weakly_in_lists_and_by_star() {
        let tag = "W/\"3-en\"";
        for lines in [
            &["W/\"3-en\""][..],
            &["\"3-en\""],
            &["*"],
            &["\"1,x\", W/\"3-en\""],
            &["\"1\"", "\"3-en\""],
        ] {
            assert!(known(lines).includes(tag), "{lines:?}");
        }
        for lines in [&["\"3-ko\""][..], &["W/\"3\""], &["3-en"], &[]] {
            assert!(!known(lines).includes(tag), "{lines:?}");
        }
    }
}
