//! The body of a submit: a reference to a photo in S3, or the photo itself.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{FromRef, FromRequest, Multipart, Request};
use axum::http::HeaderMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use toneup_colour::analysis::AnalysisPayload;
use toneup_colour::photo::{is_key_of, photo_key};
use toneup_colour::photo_answers::{PhotoDigest, Reuse};
use toneup_jobs::store::idempotency::{Idempotency, Lasts};
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use super::multipart::{Photo, PhotoForm, UnknownParts, read_form};
use super::notes::Notes;
use super::state::AnalysesState;
use crate::http::extract::{ApiJson, check_coding, single};
use crate::http::idempotency::key_of;
use crate::http::identity::Authenticator;
use crate::http::problem::ApiError;

/// Maximum time from now to a deadline.
const FURTHEST_DEADLINE: Duration = Duration::from_hours(7 * 24);

/// An analysis to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateAnalysis {
    /// What `POST /v1/uploads` answered.
    object_key: String,
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
    /// The photo, at most 10 MiB.
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

/// Source of the photo.
#[derive(Debug)]
enum Source {
    /// The photo lies in S3.
    Uploaded(String),
    /// The photo came along.
    Photo(Photo),
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
            return Self::from_form(request, &state, user, UnknownParts::Refused).await;
        }
        let ApiJson(CreateAnalysis { object_key, deadline, metadata, webhook }) =
            ApiJson::from_request(request, state).await?;
        let notes = Notes { metadata, webhook };
        Ok(Self {
            source: Source::Uploaded(object_key),
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
        unknown: UnknownParts,
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
        let PhotoForm { photo, deadline, notes } = read_form(form, room, unknown).await?;
        Ok(Self {
            source: Source::Photo(photo),
            deadline: deadline.map(OffsetDateTime::truncate_to_millisecond),
            notes: notes.check(state)?,
        })
    }

    /// Returns the fingerprint that an idempotency key is bound to: that of the photo, and of what is noted with it. It
    /// excludes the deadline, which clients compute anew at each attempt.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        self.noted_digest().finalize().into()
    }

    fn noted_digest(&self) -> Sha256 {
        let mut digest = self.source_digest();
        self.notes.add_to(&mut digest);
        digest
    }

    fn source_digest(&self) -> Sha256 {
        match &self.source {
            Source::Uploaded(key) => Sha256::new_with_prefix(key.as_bytes()),
            Source::Photo(photo) => photo.digest.clone(),
        }
    }

    /// The digest of the photo, where it came along, or where S3 has taken no other at its key.
    pub(super) fn photo_digest(&self, state: &AnalysesState, user: UserId) -> Option<PhotoDigest> {
        match &self.source {
            // That something lies there is not known: nobody may learn so what others' photos were answered.
            Source::Uploaded(_) if state.colour.photo_reuse != Reuse::User => None,
            Source::Uploaded(key) => state.seal.digest(user, key),
            Source::Photo(photo) => Some(PhotoDigest(photo.digest.clone().finalize().into())),
        }
    }

    /// Returns the key that replaces a missing client key: a photo sent with the request is recognized if sent again. A
    /// different deadline makes a different request: nothing says that it repeats the first.
    pub(super) fn implicit_key(&self) -> Option<Idempotency> {
        let mut digest = self.noted_digest();
        if let Some(deadline) = self.deadline {
            digest.update(deadline.unix_timestamp_nanos().to_be_bytes());
        }
        let came_along = matches!(self.source, Source::Photo(_));
        came_along.then(|| Idempotency::implicit(digest.finalize().into()))
    }

    /// The payload of the analysis. The photo is stored in S3 now if it came along.
    pub(super) async fn into_payload(
        self,
        state: &AnalysesState,
        user: UserId,
    ) -> Result<AnalysisPayload, ApiError> {
        let object_key = match self.source {
            Source::Uploaded(key) => check_key(key, user)?,
            Source::Photo(photo) => {
                let key = photo_key(user, photo.kind);
                state.objects.put(&key, photo.kind.content_type(), photo.bytes).await?;
                key
            }
        };
        let Notes { metadata, webhook } = self.notes;
        Ok(AnalysisPayload { object_key, metadata, webhook })
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

/// A key of the caller's own, in the shape that we give out.
fn check_key(key: String, user: UserId) -> Result<String, ApiError> {
    if is_key_of(user, &key) {
        return Ok(key);
    }
    Err(ApiError::invalid("objectKey", "expected an objectKey that POST /v1/uploads gave to you"))
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
        Submission::from_form(request, &state, user, UnknownParts::Ignored).await.map(Self)
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
