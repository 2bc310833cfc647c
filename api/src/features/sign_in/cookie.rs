//! Cookies that only we can read: encrypted, authenticated (AES-256-GCM), and short-lived.

use std::fmt;
use std::time::Duration;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::features::accounts::ServerSecret;

const NONCE_BYTES: usize = 12;

/// A cookie of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cookie {
    name: &'static str,
    ttl: Duration,
}

/// An attempt to sign in: the browser that begins it must be the one that ends it.
pub(super) const ATTEMPT: Cookie = Cookie { name: "toneup_sign_in", ttl: Duration::from_mins(10) };
/// The session that the page is about to fetch.
pub(super) const SESSION: Cookie = Cookie { name: "toneup_session", ttl: Duration::from_mins(2) };

/// `SameSite` attribute of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SameSite {
    /// From our own pages alone.
    Strict,
    /// Also when somebody comes by a link or a redirect.
    Lax,
    /// Also when another site posts a form.
    None,
}

impl Cookie {
    pub(super) fn ttl(self) -> Duration {
        self.ttl
    }

    /// The header that sets it. `secure` is whether the page is reached by https.
    pub(super) fn set(self, value: &str, same_site: SameSite, secure: bool) -> HeaderValue {
        let seconds = self.ttl.as_secs();
        self.header(value, seconds, same_site, secure)
    }

    /// The header that removes it.
    pub(super) fn remove(self, same_site: SameSite, secure: bool) -> HeaderValue {
        self.header("", 0, same_site, secure)
    }

    fn header(self, value: &str, seconds: u64, same_site: SameSite, secure: bool) -> HeaderValue {
        // Browsers take SameSite=None from secure pages only.
        let secure = if secure || same_site == SameSite::None { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/v1/sign-in; Max-Age={seconds}; HttpOnly; SameSite={same_site:?}{secure}",
            self.name
        );
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }

    /// Its value in a request.
    pub(super) fn find(self, headers: &HeaderMap) -> Option<&str> {
        let cookies =
            headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name.trim() == self.name).then_some(value.trim())
        });
        pairs.next()
    }
}

/// Seals and opens the values of cookies. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sealer(Aes256Gcm);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    value: T,
    /// Expiry, as Unix time in seconds.
    expires: i64,
}

impl Sealer {
    pub(super) fn new(secret: &ServerSecret) -> Self {
        Self(Aes256Gcm::new(&secret.derive("cookies of signing in", b"").into()))
    }

    /// Encrypts a cookie's value, which opens as that cookie until it expires.
    pub(super) fn seal<T: Serialize>(&self, cookie: Cookie, value: T) -> anyhow::Result<String> {
        let expires = (OffsetDateTime::now_utc() + cookie.ttl).unix_timestamp();
        let plain = serde_json::to_vec(&Sealed { value, expires })?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: &plain, aad: cookie.name.as_bytes() };
        let sealed = self.0.encrypt(&nonce.into(), payload);
        let sealed = sealed.map_err(|_| anyhow::anyhow!("cannot encrypt a cookie"))?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts the cookie of a request; `None` if there is none, or it is not ours, or has expired.
    pub(super) fn open<T: DeserializeOwned>(
        &self,
        cookie: Cookie,
        headers: &HeaderMap,
    ) -> Option<T> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cookie.find(headers)?).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: cookie.name.as_bytes() };
        let plain = self.0.decrypt(&(*nonce).into(), payload).ok()?;
        let Sealed { value, expires } = serde_json::from_slice(&plain).ok()?;
        (expires > OffsetDateTime::now_utc().unix_timestamp()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(secret: &str) -> Sealer {
        Sealer::new(&ServerSecret::of(secret))
    }

    fn request(cookie: Cookie, value: &str) -> HeaderMap {
        let line = format!("other=1; {}={value}; more=x", cookie.name);
        HeaderMap::from_iter([(header::COOKIE, line.parse().unwrap())])
    }

    #[test]
    fn a_cookie_opens_as_what_it_was_sealed_for_and_here_alone() {
        let ours = sealer("a secret of this test");
        let sealed = ours.seal(ATTEMPT, "state").unwrap();
        assert!(!sealed.contains("state"));
        let open = |sealer: &Sealer, cookie, value: &str| {
            sealer.open::<String>(cookie, &request(cookie, value))
        };
        assert_eq!(open(&ours, ATTEMPT, &sealed).as_deref(), Some("state"));
        assert_eq!(open(&ours, SESSION, &sealed), None, "another cookie");
        assert_eq!(open(&sealer("another secret"), ATTEMPT, &sealed), None, "another server");
        let expired = ours.seal(Cookie { ttl: Duration::ZERO, ..ATTEMPT }, "state").unwrap();
        for value in ["", "x", &sealed[1..], &expired] {
            assert_eq!(open(&ours, ATTEMPT, value), None, "{value}");
        }
    }

    #[test]
    fn only_a_provider_that_posts_back_gets_a_cookie_across_sites() {
        let text =
            |same_site, secure| ATTEMPT.set("v", same_site, secure).to_str().unwrap().to_owned();
        assert!(text(SameSite::Lax, false).ends_with("Max-Age=600; HttpOnly; SameSite=Lax"));
        assert!(text(SameSite::Strict, true).ends_with("SameSite=Strict; Secure"));
        assert!(text(SameSite::None, false).ends_with("SameSite=None; Secure"));
    }
}
