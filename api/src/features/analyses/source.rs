//! The photos of a submit: keys of uploads, or the photos themselves.

use sha2::{Digest, Sha256};
use toneup_colour::photo::{PHOTOS_PER_ANALYSIS, is_key_of, photo_key};
use toneup_colour::photo_answers::{PhotoDigest, Reuse};
use toneup_platform::identity::UserId;

use super::multipart::{Photo, Photos};
use super::state::AnalysesState;
use crate::http::problem::ApiError;

/// Source of the photos, of which there is at least one.
#[derive(Debug)]
pub(super) enum Source {
    /// The photos lie in S3.
    Uploaded(Vec<String>),
    /// The photos came along.
    Sent(Photos),
}

impl Source {
    /// The uploads that a body of JSON names, in one of the two ways.
    pub(super) fn of_keys(
        one: Option<String>,
        many: Option<Vec<String>>,
    ) -> Result<Self, ApiError> {
        let keys = match (one, many) {
            (Some(key), None) => vec![key],
            (None, Some(keys)) => check_number(keys)?,
            (Some(_), Some(_)) => {
                let detail = "expected objectKey or objectKeys, not both";
                return Err(ApiError::invalid("objectKeys", detail));
            }
            (None, None) => {
                let detail = "expected an objectKey, or objectKeys of several photos";
                return Err(ApiError::invalid("objectKey", detail));
            }
        };
        Ok(Self::Uploaded(keys))
    }

    /// Number of photos.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Uploaded(keys) => keys.len(),
            Self::Sent(photos) => photos.all.len(),
        }
    }

    /// What a request's fingerprint begins with.
    pub(super) fn digest(&self) -> Sha256 {
        match self {
            Self::Uploaded(keys) => digest_of(keys.iter().map(Sha256::new_with_prefix)),
            Self::Sent(photos) => digest_of(photos.all.iter().map(|photo| photo.digest.clone())),
        }
    }

    /// The digest of a single photo, where it came along, or where S3 has taken no other at its key.
    pub(super) fn photo_digest(&self, state: &AnalysesState, user: UserId) -> Option<PhotoDigest> {
        match self {
            // That something lies there is not known: nobody may learn so what others' photos were answered.
            Self::Uploaded(_) if state.colour.photo_reuse != Reuse::User => None,
            Self::Uploaded(keys) => match keys.as_slice() {
                [key] => state.seal.digest(user, key),
                _ => None,
            },
            Self::Sent(photos) => match photos.all.as_slice() {
                [photo] => Some(PhotoDigest(photo.digest.clone().finalize().into())),
                _ => None,
            },
        }
    }

    /// The keys of the photos, which are the caller's own. Photos that came along are stored in S3 now.
    pub(super) async fn into_keys(
        self,
        state: &AnalysesState,
        user: UserId,
    ) -> Result<Vec<String>, ApiError> {
        let photos = match self {
            Self::Uploaded(keys) => return check_owner(keys, user),
            Self::Sent(photos) => photos,
        };
        let mut keys = Vec::new();
        for Photo { bytes, kind, .. } in photos.all {
            let key = photo_key(user, kind);
            state.objects.put(&key, kind.content_type(), bytes).await?;
            keys.push(key);
        }
        Ok(keys)
    }
}

/// The digest of one part; of several, that of their digests.
fn digest_of(mut parts: impl ExactSizeIterator<Item = Sha256>) -> Sha256 {
    let first = parts.next().unwrap_or_default();
    if parts.len() == 0 {
        return first;
    }
    let mut all = Sha256::new_with_prefix(first.finalize());
    parts.for_each(|part| all.update(part.finalize()));
    all
}

/// Between one and five keys, each once.
fn check_number(keys: Vec<String>) -> Result<Vec<String>, ApiError> {
    let distinct = keys.iter().enumerate().all(|(index, key)| !keys[..index].contains(key));
    if (1..=PHOTOS_PER_ANALYSIS).contains(&keys.len()) && distinct {
        return Ok(keys);
    }
    let detail = format!("expected 1 to {PHOTOS_PER_ANALYSIS} keys, each once");
    Err(ApiError::invalid("objectKeys", detail))
}

/// Keys of the caller's own, in the shape that we give out.
fn check_owner(keys: Vec<String>, user: UserId) -> Result<Vec<String>, ApiError> {
    let Some(foreign) = keys.iter().position(|key| !is_key_of(user, key)) else {
        return Ok(keys);
    };
    let field = match keys.len() {
        1 => "objectKey".to_owned(),
        _ => format!("objectKeys[{foreign}]"),
    };
    Err(ApiError::invalid(&field, "expected an objectKey that POST /v1/uploads gave to you"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_keys(one: Option<&str>, many: Option<&[&str]>) -> Result<Source, ApiError> {
        let many = many.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect());
        Source::of_keys(one.map(str::to_owned), many)
    }

    fn fingerprint(keys: &[&str]) -> [u8; 32] {
        of_keys(None, Some(keys)).unwrap().digest().finalize().into()
    }

    #[test]
    fn photos_are_named_in_one_way_up_to_five_and_each_once() {
        assert_eq!(of_keys(Some("a"), None).unwrap().len(), 1);
        assert_eq!(of_keys(None, Some(&["a", "b", "c", "d", "e"])).unwrap().len(), 5);
        let refused: [(_, Option<&[&str]>); 5] = [
            (None, None),
            (Some("a"), Some(&["b"])),
            (None, Some(&[])),
            (None, Some(&["a", "b", "a"])),
            (None, Some(&["a", "b", "c", "d", "e", "f"])),
        ];
        for (one, many) in refused {
            assert!(of_keys(one, many).is_err(), "{one:?} {many:?}");
        }
    }

    #[test]
    fn a_fingerprint_covers_all_photos_and_of_one_is_that_of_its_key() {
        let alone: [u8; 32] = Sha256::digest("a").into();
        assert_eq!(fingerprint(&["a"]), alone);
        assert_ne!(fingerprint(&["a", "b"]), alone);
        assert_ne!(fingerprint(&["a", "b"]), fingerprint(&["a", "c"]));
        assert_ne!(fingerprint(&["a", "b"]), fingerprint(&["ab"]));
    }
}
