//! The rules of what people write, and the digest by which a repetition is recognised.

use sha2::{Digest, Sha256};

use crate::http::problem::ApiError;
use crate::http::text::refuse_control;

/// Characters of a message.
pub(crate) const TEXT_LENGTH: usize = 4000;
/// Pictures of a message.
pub(crate) const MOST_PICTURES: usize = 5;
/// Characters of a room's name.
const NAME_LENGTH: usize = 60;
/// Characters of a client key.
const KEY_LENGTH: usize = 64;
/// What a client asks to send, before its pictures are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) text: Option<String>,
    /// Keys of uploads.
    pub(crate) uploads: Vec<String>,
    pub(crate) client_key: String,
}

impl Draft {
    /// Checks a message. Without a client key it gets one of its own, and a repetition is another message.
    pub(crate) fn check(
        text: Option<String>,
        uploads: Vec<String>,
        client_key: Option<String>,
    ) -> Result<Self, ApiError> {
        let text = text.map(|text| check_text("text", text)).transpose()?;
        if uploads.len() > MOST_PICTURES {
            let detail = format!("expected at most {MOST_PICTURES}");
            return Err(ApiError::invalid("pictures", detail));
        }
        let mut distinct: Vec<&String> = uploads.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < uploads.len() {
            return Err(ApiError::invalid("pictures", "expected each upload once"));
        }
        if text.is_none() && uploads.is_empty() {
            return Err(ApiError::invalid("text", "expected a text or pictures"));
        }
        let client_key = match client_key {
            Some(key) => check_key(key)?,
            None => format!("-{}", uuid::Uuid::now_v7().simple()),
        };
        Ok(Self { text, uploads, client_key })
    }

    /// Recognises the same message.
    pub(crate) fn digest(&self) -> [u8; 16] {
        let mut hash = Sha256::new();
        for part in self.uploads.iter().map(String::as_str).chain(self.text.as_deref()) {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.update([u8::from(self.text.is_some())]);
        let (mut digest, whole) = ([0; 16], hash.finalize());
        digest.copy_from_slice(&whole[..16]);
        digest
    }
}

fn check_key(key: String) -> Result<String, ApiError> {
    let fits = (1..=KEY_LENGTH).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        return Ok(key);
    }
    Err(ApiError::invalid("clientKey", "expected 1 to 64 printable ASCII characters, no spaces"))
}

/// Checks a text: something to see, at most 4,000 characters, no control characters but line feeds and tabs.
pub(crate) fn check_text(field: &str, text: String) -> Result<String, ApiError> {
    let length = text.chars().count();
    if length > TEXT_LENGTH || text.trim().is_empty() {
        let detail = format!("expected 1 to {TEXT_LENGTH} characters");
        return Err(ApiError::invalid(field, detail));
    }
    refuse_control(field, &text)?;
    Ok(text)
}

/// Checks a room's name.
pub(crate) fn check_name(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    if !(1..=NAME_LENGTH).contains(&name.chars().count()) {
        let detail = format!("expected 1 to {NAME_LENGTH} characters");
        return Err(ApiError::invalid("name", detail));
    }
    if name.chars().any(char::is_control) {
        return Err(ApiError::invalid("name", "expected no control characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str, uploads: &[&str], key: Option<&str>) -> Result<Draft, ApiError> {
        let uploads = uploads.iter().map(|key| (*key).to_owned()).collect();
        let text = Some(text.to_owned()).filter(|text| !text.is_empty());
        Draft::check(text, uploads, key.map(str::to_owned))
    }

    #[test]
    fn a_message_has_a_text_or_pictures_within_the_limits() {
        assert!(draft("안녕\n하세요", &[], Some("k-1")).is_ok());
        assert!(draft("", &["u/1/a.jpg"], None).is_ok());
        assert!(draft(&"봄".repeat(4000), &[], None).is_ok());
        for (text, uploads, key) in [
            ("", &[][..], None),
            (" \n ", &[], None),
            (&*"봄".repeat(4001), &[], None),
            ("a\u{0}b", &[], None),
            ("a", &["1", "2", "3", "4", "5", "6"], None),
            ("a", &["1", "1"], None),
            ("a", &[], Some("")),
            ("a", &[], Some("two words")),
            ("a", &[], Some("열쇠")),
            ("a", &[], Some(&*"k".repeat(65))),
        ] {
            assert!(matches!(draft(text, uploads, key), Err(ApiError::Validation(_))), "{text}");
        }
    }

    #[test]
    fn a_digest_tells_texts_and_uploads_apart() {
        let digest = |text, uploads: &[&str]| draft(text, uploads, None).unwrap().digest();
        assert_eq!(digest("a", &["b"]), digest("a", &["b"]));
        for (text, uploads) in [("b", &["a"][..]), ("a", &[]), ("", &["a", "b"]), ("ab", &[])] {
            assert_ne!(digest("a", &["b"]), digest(text, uploads), "{text} {uploads:?}");
        }
        assert_ne!(digest("a", &[]), digest("", &["a"]));
    }

    #[test]
    fn names_are_bounded() {
        assert_eq!(check_name(" 봄 친구들 ").unwrap(), "봄 친구들");
        assert!(check_name(" ").is_err() && check_name(&"a".repeat(61)).is_err());
        assert!(check_name("a\nb").is_err());
    }
}
