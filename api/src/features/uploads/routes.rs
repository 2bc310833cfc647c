//! HTTP endpoints of uploads.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_colour::photo::{PHOTO_LIMIT_BYTES, PhotoType, photo_key};
use toneup_colour::photo_answers::PhotoDigest;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::UploadsState;
use crate::http::extract::ApiJson;
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of uploads.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    UploadsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(create_upload))
}

/// The photo a client is about to upload.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateUpload {
    /// `image/jpeg`, `image/png`, `image/webp` or `image/heic`, or another name of one, as `image/jpg` and `image/heif`.
    content_type: String,
    /// Its size in bytes, at most 10 MiB.
    #[schema(minimum = 1, maximum = 10_485_760)]
    content_length: u64,
    /// Base64 of its SHA-256; S3 then refuses other bytes, and a photo that was answered before is known at the submit.
    sha256: Option<String>,
}

/// A request that the client makes to S3, exactly so.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UploadView {
    /// Names the photo when the analysis is submitted.
    object_key: String,
    /// Always `PUT`.
    method: &'static str,
    /// Where to; carries its own authorization.
    url: String,
    /// Headers the request must carry.
    headers: BTreeMap<String, String>,
    /// Until when.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// Signs an upload of one photo of the given type and size. S3 enforces both.
#[utoipa::path(
    post,
    path = "/v1/uploads",
    tag = "uploads",
    security(("bearer" = [])),
    responses(
        (status = CREATED, body = UploadView),
        Problem,
    )
)]
async fn create_upload(
    State(state): State<UploadsState>,
    CurrentUser(user): CurrentUser,
    ApiJson(upload): ApiJson<CreateUpload>,
) -> Result<(StatusCode, Json<UploadView>), ApiError> {
    let (kind, digest) = check(&upload)?;
    state.quota.take(user, 1).await?;
    let object_key = match digest {
        Some(digest) => state.seal.key(user, kind, digest),
        None => photo_key(user, kind),
    };
    let signed = state
        .objects
        .presign_put(&object_key, kind.content_type(), upload.content_length, upload.sha256)
        .await?;
    let view = UploadView {
        object_key,
        method: "PUT",
        url: signed.url,
        headers: signed.headers.into_iter().collect(),
        expires_at: OffsetDateTime::now_utc() + state.objects.upload_ttl(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

fn check(upload: &CreateUpload) -> Result<(PhotoType, Option<PhotoDigest>), ApiError> {
    let kind = PhotoType::from_content_type(&upload.content_type).ok_or_else(|| {
        ApiError::invalid("contentType", format!("expected one of {}", PhotoType::ACCEPTED))
    })?;
    if upload.content_length == 0 {
        return Err(ApiError::invalid("contentLength", "expected at least 1 byte"));
    }
    if upload.content_length > PHOTO_LIMIT_BYTES {
        let detail = format!("a photo may have at most {PHOTO_LIMIT_BYTES} bytes");
        return Err(ApiError::TooLarge(detail));
    }
    let digest = upload.sha256.as_ref().map(|text| {
        let bytes = BASE64_STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(PhotoDigest)
            .ok_or_else(|| ApiError::invalid("sha256", "expected base64 of 32 bytes"))
    });
    Ok((kind, digest.transpose()?))
}
