//! Serving pictures: to everybody, at addresses whose contents never change.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use toneup_jobs::job::JobId;
use toneup_people::pictures::{SIZES, object_key};
use toneup_platform::identity::UserId;
use toneup_platform::objects::ObjectError;
use uuid::Uuid;

use super::state::PicturesState;
use crate::http::conditional::Known;
use crate::http::extract::IdPath;
use crate::http::problem::{ApiError, Problem};

/// Largest picture that is read, in bytes: we have made them all.
const LIMIT_BYTES: u64 = 8 * 1024 * 1024;
/// A year, the longest that caches are asked to keep anything.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The picture of those who have none may change with a release.
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");
/// A grey head and shoulders.
const DEFAULT_PICTURE: &[u8] = include_bytes!("default.jpg");

/// A picture that is ready, in one of its sizes: `small.jpg`, `medium.jpg` or `large.jpg`. Nothing but the address is
/// needed, and nobody can guess it.
#[utoipa::path(
    get,
    path = "/pictures/{owner}/{id}/{file}",
    tag = "pictures",
    params(("owner" = Uuid, Path), ("id" = Uuid, Path), ("file" = String, Path)),
    responses(
        (status = OK, content_type = "image/jpeg", body = Vec<u8>,
         headers(("Cache-Control" = String), ("ETag" = String))),
        (status = NOT_MODIFIED),
        Problem,
    )
)]
pub(super) async fn get_picture(
    State(state): State<PicturesState>,
    IdPath((owner, id, file)): IdPath<(UserId, Uuid, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let name = file.strip_suffix(".jpg").ok_or(ApiError::NotFound)?;
    let (size, _) = SIZES.into_iter().find(|(size, _)| *size == name).ok_or(ApiError::NotFound)?;
    let tag = format!("\"{}-{size}\"", id.simple());
    let caching = [(header::CACHE_CONTROL, FOR_EVER), etag(&tag)?];
    if Known::of(&headers).includes(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    match state.objects.get(&object_key(owner, JobId(id), size), LIMIT_BYTES).await {
        Ok(jpeg) => Ok((caching, jpeg_type(), jpeg).into_response()),
        Err(ObjectError::Missing) => Err(ApiError::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// The picture of those who have none.
#[utoipa::path(
    get,
    path = "/pictures/default.jpg",
    tag = "pictures",
    responses((status = OK, content_type = "image/jpeg", body = Vec<u8>), Problem)
)]
pub(super) async fn get_default_picture() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, FOR_A_DAY)], jpeg_type(), Bytes::from_static(DEFAULT_PICTURE))
}

fn jpeg_type() -> [(HeaderName, HeaderValue); 1] {
    [(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"))]
}

fn etag(tag: &str) -> Result<(HeaderName, HeaderValue), ApiError> {
    let value = HeaderValue::from_str(tag).map_err(anyhow::Error::from)?;
    Ok((header::ETAG, value))
}
