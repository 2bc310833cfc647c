//! The body of a submit: references to photos in S3, or the photos themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{FromRef, FromRequest, Multipart, Request};
use axum::http::HeaderMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use toneup_colour::analysis::AnalysisPayload;
use toneup_colour::photo_answers::PhotoDigest;
use toneup_jobs::store::idempotency::{Idempotency, Lasts};
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use super::multipart::{Dialect, PhotoForm, read_form};
use super::notes::Notes;
use super::source::Source;
use super::state::AnalysesState;
use crate::http::extract::{ApiJson, check_coding, single};
use crate::http::idempotency::key_of;
use crate::http::identity::Authenticator;
use crate::http::problem::ApiError;

/// Maximum time from now to a deadline.
const FURTHEST_DEADLINE: Duration = Duration::from_hours(7 * 24);

/// An analysis to be made, of one photo (`objectKey`) or of several of one person (`objectKeys`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateAnalysis {
    /// What `POST /v1/uploads` answered.
    object_key: Option<String>,
    /// The same of one to five photos of one person, best in different light: one result, and the surer for it.
    #[schema(min_items = 1, max_items = 5)]
    object_keys: Option<Vec<String>>,
    /// Until when the answer is of use (RFC 3339); after that the analysis is `expired`, and never started.
    #[serde(default, with = "time::serde::rfc3339::option")]
    deadline: Option<OffsetDateTime>,
    /// What the caller notes with it, and is told with it: at most 16 strings of at most 500 characters.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// A URL that is called when it ends, as webhooks are; `GET /v1/webhooks/secret` has the secret.
    webhook: Option<String>,
}

/// The form for clients that cannot upload by themselves.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents the form; it is read as a stream")]
pub(crate) struct CreateAnalysisForm {
    /// The photo, at most 10 MiB. `POST /v1/analyses` takes up to five parts of this name, of 40 MiB together.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// Until when the answer is of use.
    deadline: Option<OffsetDateTime>,
    /// What the caller notes with it: a JSON object of strings.
    metadata: Option<String>,
    /// A URL that is called when it ends.
    webhook: Option<String>,
}

/// Parsed body of a submit.
#[derive(Debug)]
pub(crate) struct Submission {
    source: Source,
    /// Until when the answer is of use.
    pub(super) deadline: Option<OffsetDateTime>,
    notes: Notes,
}

impl<S: Send + Sync> FromRequest<S> for Submission
where
    AnalysesState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let content_type = single(request.headers(), "Content-Type")?;
        let is_form = content_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/form-data"));
        if is_form {
            let (request, user) = sender(request, state);
            let state = AnalysesState::from_ref(state);
            return Self::from_form(request, &state, user, Dialect::V1).await;
        }
        let ApiJson(CreateAnalysis { object_key, object_keys, deadline, metadata, webhook }) =
            ApiJson::from_request(request, state).await?;
        let notes = Notes { metadata, webhook };
        Ok(Self {
            source: Source::of_keys(object_key, object_keys)?,
            deadline: deadline.map(OffsetDateTime::truncate_to_millisecond),
            notes: notes.check(&AnalysesState::from_ref(state))?,
        })
    }
}

impl Submission {
    async fn from_form(
        request: Request,
        state: &AnalysesState,
        user: Option<UserId>,
        dialect: Dialect,
    ) -> Result<Self, ApiError> {
        check_coding(request.headers())?;
        let room = state.photo_memory.begin(user)?;
        if let Some(user) = user {
            state.quota.take(user, 1).await?;
        }
        let request = request.map(|body| room.admit(body));
        let form = Multipart::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::Malformed(rejection.body_text()))?;
        let PhotoForm { photos, deadline, notes } = read_form(form, room, dialect).await?;
        let source = Source::Sent(photos);
        let others = count(source.len().saturating_sub(1));
        if let Some(user) = user.filter(|_| others > 0) {
            state.quota.take(user, others).await?;
        }
        Ok(Self {
            source,
            deadline: deadline.map(OffsetDateTime::truncate_to_millisecond),
            notes: notes.check(state)?,
        })
    }

    /// Number of photos.
    pub(super) fn photos(&self) -> u32 {
        count(self.source.len())
    }

    /// Returns the fingerprint that an idempotency key is bound to: that of the photos, and of what is noted with them. It
    /// excludes the deadline, which clients compute anew at each attempt.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        self.noted_digest().finalize().into()
    }

    fn noted_digest(&self) -> Sha256 {
        let mut digest = self.source.digest();
        self.notes.add_to(&mut digest);
        digest
    }

    /// The digest of a single photo, where it is known.
    pub(super) fn photo_digest(&self, state: &AnalysesState, user: UserId) -> Option<PhotoDigest> {
        self.source.photo_digest(state, user)
    }

    /// Returns the key that replaces a missing client key: a photo sent with the request is recognized if sent again. A
    /// different deadline makes a different request: nothing says that it repeats the first.
    pub(super) fn implicit_key(&self) -> Option<Idempotency> {
        let mut digest = self.noted_digest();
        if let Some(deadline) = self.deadline {
            digest.update(deadline.unix_timestamp_nanos().to_be_bytes());
        }
        let came_along = matches!(self.source, Source::Sent(_));
        came_along.then(|| Idempotency::implicit(digest.finalize().into()))
    }

    /// The payload of the analysis. Photos that came along are stored in S3 now.
    pub(super) async fn into_payload(
        self,
        state: &AnalysesState,
        user: UserId,
    ) -> Result<AnalysisPayload, ApiError> {
        let mut keys = self.source.into_keys(state, user).await?.into_iter();
        let (object_key, other_keys) = (keys.next().unwrap_or_default(), keys.collect());
        let Notes { metadata, webhook } = self.notes;
        Ok(AnalysisPayload { object_key, other_keys, metadata, webhook })
    }
}

/// Refuses a deadline that no analysis can meet, or that is further away than photos are kept.
pub(super) fn check_deadline(deadline: Option<OffsetDateTime>) -> Result<(), ApiError> {
    let now = OffsetDateTime::now_utc();
    if deadline.is_some_and(|deadline| deadline <= now || deadline > now + FURTHEST_DEADLINE) {
        let days = FURTHEST_DEADLINE.as_secs() / 86_400;
        let detail = format!("expected a time in the next {days} days");
        return Err(ApiError::invalid("deadline", detail));
    }
    Ok(())
}

fn count(photos: usize) -> u32 {
    u32::try_from(photos).unwrap_or(u32::MAX)
}

/// A submit whose photo comes along, whatever else could be sent elsewhere.
#[derive(Debug)]
pub(crate) struct PhotoSubmission(pub(crate) Submission);

impl<S: Send + Sync> FromRequest<S> for PhotoSubmission
where
    AnalysesState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (request, user) = sender(request, state);
        let state = AnalysesState::from_ref(state);
        Submission::from_form(request, &state, user, Dialect::LegacyApp).await.map(Self)
    }
}

/// The user whose photo comes with a request; `None` at the load tests' door, which asks for no token.
fn sender<S>(request: Request, state: &S) -> (Request, Option<UserId>)
where
    Authenticator: FromRef<S>,
{
    let (parts, body) = request.into_parts();
    let user = Authenticator::from_ref(state).caller(&parts).ok().map(|caller| caller.user);
    (Request::from_parts(parts, body), user)
}

/// The request's idempotency key, if it has one.
pub(super) fn idempotency(
    headers: &HeaderMap,
    submission: &Submission,
) -> Result<Option<Idempotency>, ApiError> {
    let Some(key) = key_of(headers)? else { return Ok(None) };
    let fingerprint = submission.fingerprint();
    Ok(Some(Idempotency { key, fingerprint, lasts: Lasts::Remembered }))
}

/// The time the client prefers to wait for the result (RFC 7240 §4.3). Unknown preferences are ignored.
pub(super) fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            let seconds = value.trim().trim_matches('"').parse().ok()?;
            name.trim().eq_ignore_ascii_case("wait").then(|| Duration::from_secs(seconds))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_wait_is_found_among_other_preferences() {
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", text.parse().unwrap());
            preferred_wait(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("wait=10"), Some(10));
        assert_eq!(wait("respond-async, WAIT = 5"), Some(5));
        assert_eq!(wait("respond-async"), None);
        assert_eq!(wait("wait=soon"), None);
    }
}
