//! Photos sent through us, for clients that cannot PUT to S3: bounded in size, and in how many are held at once.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use toneup_colour::photo::{PHOTO_LIMIT_BYTES, PhotoType};

use crate::http::extract::unreadable;
use crate::http::problem::ApiError;

/// The part that carries the photo.
const PART: &str = "image";
/// The part that says until when the answer is of use.
const DEADLINE: &str = "deadline";
/// Photos held in memory at once: 32 × 10 MiB at most.
const AT_ONCE: usize = 32;
const PERMIT_WAIT: Duration = Duration::from_secs(5);

/// Bounds the photos held in memory. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct PhotoPermits(Arc<Semaphore>);

impl Default for PhotoPermits {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl PhotoPermits {
    async fn acquire(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        match timeout(PERMIT_WAIT, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(ApiError::Unavailable(anyhow::anyhow!("too many photos in memory"))),
        }
    }
}

/// A photo in memory.
#[derive(Debug)]
pub(super) struct Photo {
    pub(super) bytes: Bytes,
    pub(super) digest: Sha256,
    pub(super) kind: PhotoType,
    _permit: OwnedSemaphorePermit,
}

/// A form, read whole.
#[derive(Debug)]
pub(super) struct PhotoForm {
    pub(super) photo: Photo,
    pub(super) deadline: Option<OffsetDateTime>,
}

/// Reads the photo, and what else we know, out of a form.
pub(super) async fn read_form(
    mut form: Multipart,
    permits: &PhotoPermits,
) -> Result<PhotoForm, ApiError> {
    let permit = permits.acquire().await?;
    let (mut photo, mut deadline) = (None, None);
    while let Some(part) = form.next_field().await.map_err(broken)? {
        match part.name() {
            Some(PART) => photo = Some(read_part(part, PHOTO_LIMIT_BYTES).await?),
            Some(DEADLINE) => deadline = Some(read_time(part).await?),
            _ => {}
        }
    }
    let bytes = photo.ok_or_else(|| {
        ApiError::invalid(PART, "expected a form part of this name with the photo")
    })?;
    let kind = PhotoType::sniff(&bytes)
        .map_err(|error| ApiError::UnsupportedMediaType(format!("{PART}: {error}")))?;
    let digest = Sha256::new_with_prefix(&bytes);
    Ok(PhotoForm { photo: Photo { bytes, digest, kind, _permit: permit }, deadline })
}

async fn read_time(part: Field<'_>) -> Result<OffsetDateTime, ApiError> {
    const LONGEST_BYTES: u64 = 64;
    let bytes = read_part(part, LONGEST_BYTES).await?;
    let time = std::str::from_utf8(&bytes).ok();
    let time = time.and_then(|text| OffsetDateTime::parse(text.trim(), &Rfc3339).ok());
    time.ok_or_else(|| ApiError::invalid(DEADLINE, "expected a time in RFC 3339"))
}

async fn read_part(mut part: Field<'_>, limit: u64) -> Result<Bytes, ApiError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        let length = u64::try_from(bytes.len() + chunk.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn too_large() -> ApiError {
    ApiError::TooLarge(format!("a photo may have at most {PHOTO_LIMIT_BYTES} bytes"))
}

fn broken(error: MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => unreadable(error),
    }
}
