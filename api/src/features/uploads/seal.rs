//! Object keys that name their photo: S3 takes no other bytes there, so that a submit knows the photo without reading it.

use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;
use toneup_colour::photo::{PhotoType, photo_key, user_prefix};
use toneup_colour::photo_answers::PhotoDigest;
use toneup_platform::identity::UserId;

use super::settings::UploadsSettings;

/// Bytes of the seal that a key carries.
const SEAL_BYTES: usize = 16;

/// Seals digests into keys, and reads them back. Cheap to clone.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Creates the sealing key from the settings.
    pub fn new(settings: &UploadsSettings) -> Result<Self, InvalidLength> {
        let mut mac = Hmac::new_from_slice(settings.jwt_secret.expose_secret().as_bytes())?;
        // The same secret signs tokens: a seal is none.
        mac.update(b"photo digest of ");
        Ok(Self(mac))
    }

    /// A fresh key under the user's prefix at which S3 will take these bytes alone.
    pub(crate) fn key(&self, user: UserId, kind: PhotoType, digest: PhotoDigest) -> String {
        let plain = photo_key(user, kind);
        let (name, extension) = plain.rsplit_once('.').unwrap_or((&plain, ""));
        let sealed = format!("{name}-{}", hex::encode(digest.0));
        let seal = self.seal(&sealed);
        format!("{sealed}-{seal}.{extension}")
    }

    /// The digest that a key of ours names.
    pub(crate) fn digest(&self, user: UserId, key: &str) -> Option<PhotoDigest> {
        let (name, _) = key.strip_prefix(&user_prefix(user)).and(key.rsplit_once('.'))?;
        let (sealed, seal) = name.rsplit_once('-')?;
        let mut mac = self.0.clone();
        mac.update(sealed.as_bytes());
        mac.verify_truncated_left(&unhex::<SEAL_BYTES>(seal)?).ok()?;
        unhex(sealed.rsplit_once('-')?.1).map(PhotoDigest)
    }

    fn seal(&self, sealed: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(sealed.as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..SEAL_BYTES])
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn seal(secret: &[u8]) -> Seal {
        Seal(Hmac::new_from_slice(secret).unwrap())
    }

    #[test]
    fn a_key_names_the_photo_for_which_it_was_made() {
        let (seal, user) = (seal(b"one"), UserId(Uuid::now_v7()));
        let digest = PhotoDigest::of(b"photo");
        let key = seal.key(user, PhotoType::Heic, digest);
        assert!(key.starts_with(&user_prefix(user)) && key.len() <= 200);
        assert_eq!(seal.digest(user, &key), Some(digest));
    }

    #[test]
    fn what_was_not_sealed_so_names_nothing() {
        let (one, user) = (seal(b"one"), UserId(Uuid::now_v7()));
        let key = one.key(user, PhotoType::Jpeg, PhotoDigest::of(b"photo"));
        let (head, tail) = key.rsplit_once('-').unwrap();
        let other = head[..head.len() - 1].to_owned() + if head.ends_with('0') { "1" } else { "0" };
        assert_eq!(one.digest(user, &format!("{other}-{tail}")), None, "another digest");
        assert_eq!(one.digest(UserId(Uuid::now_v7()), &key), None, "another user");
        assert_eq!(seal(b"two").digest(user, &key), None, "another secret");
        assert_eq!(one.digest(user, &photo_key(user, PhotoType::Jpeg)), None, "a plain key");
        for key in ["", "x", "x.jpg", &format!("{}é-é.jpg", user_prefix(user))] {
            assert_eq!(one.digest(user, key), None, "{key}");
        }
    }
}
