//! Photos sent through us, for clients that cannot PUT to S3.

use std::collections::BTreeMap;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::http::StatusCode;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toneup_colour::photo::{PHOTO_LIMIT_BYTES, PHOTOS_PER_ANALYSIS, PhotoType};

use super::notes::Notes;
use super::photo_memory::{NoRoom, Room, USER_LIMIT_BYTES};
use crate::http::extract::{cause_of, unreadable};
use crate::http::problem::ApiError;

/// The part that carries a photo.
const PART: &str = "image";
/// The part that says until when the answer is of use.
const DEADLINE: &str = "deadline";
/// The part with what the client notes, as JSON.
const METADATA: &str = "metadata";
/// The part with the URL that is called when the analysis ends.
const WEBHOOK: &str = "webhook";

/// A photo in memory.
#[derive(Debug)]
pub(super) struct Photo {
    pub(super) bytes: Bytes,
    pub(super) digest: Sha256,
    pub(super) kind: PhotoType,
}

/// The photos of a form, at least one, and their room in memory.
#[derive(Debug)]
pub(super) struct Photos {
    pub(super) all: Vec<Photo>,
    _room: Room,
}

/// A form, read whole.
#[derive(Debug)]
pub(super) struct PhotoForm {
    pub(super) photos: Photos,
    pub(super) deadline: Option<OffsetDateTime>,
    pub(super) notes: Notes,
}

/// What a form may consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Several photos. Unknown parts are refused, as unknown fields of JSON are.
    V1,
    /// One photo. Unknown parts are passed over: the legacy app may send what we do not know of.
    LegacyApp,
}

impl Dialect {
    fn most_photos(self) -> usize {
        match self {
            Self::V1 => PHOTOS_PER_ANALYSIS,
            Self::LegacyApp => 1,
        }
    }
}

/// Reads the photos, and what else we know, out of a form. Of two other parts of one name neither is chosen.
pub(super) async fn read_form(
    mut form: Multipart,
    room: Room,
    dialect: Dialect,
) -> Result<PhotoForm, ApiError> {
    let (mut all, mut deadline) = (Vec::new(), None);
    let (mut metadata, mut webhook) = (None, None);
    while let Some(part) = form.next_field().await.map_err(broken)? {
        match part.name() {
            Some(PART) if all.len() < dialect.most_photos() => all.push(read_photo(part).await?),
            Some(PART) => return Err(too_many(dialect.most_photos())),
            Some(DEADLINE) if deadline.is_none() => deadline = Some(read_time(part).await?),
            Some(METADATA | WEBHOOK) if dialect == Dialect::LegacyApp => {}
            Some(METADATA) if metadata.is_none() => metadata = Some(read_metadata(part).await?),
            Some(WEBHOOK) if webhook.is_none() => webhook = Some(read_url(part).await?),
            Some(name @ (DEADLINE | METADATA | WEBHOOK)) => {
                return Err(ApiError::invalid(name, "expected one form part of this name"));
            }
            name if dialect == Dialect::V1 => return Err(unexpected(name)),
            _ => {}
        }
    }
    if all.is_empty() {
        return Err(ApiError::invalid(PART, "expected a form part of this name with the photo"));
    }
    room.complete();
    let notes = Notes { metadata: metadata.unwrap_or_default(), webhook };
    Ok(PhotoForm { photos: Photos { all, _room: room }, deadline, notes })
}

async fn read_photo(part: Field<'_>) -> Result<Photo, ApiError> {
    let bytes = read_part(part, PHOTO_LIMIT_BYTES).await?;
    let kind = PhotoType::sniff(&bytes)
        .map_err(|error| ApiError::UnsupportedMediaType(format!("{PART}: {error}")))?;
    let digest = Sha256::new_with_prefix(&bytes);
    Ok(Photo { bytes, digest, kind })
}

fn too_many(most: usize) -> ApiError {
    let detail = match most {
        1 => "expected one form part of this name".to_owned(),
        most => format!("expected at most {most} form parts of this name"),
    };
    ApiError::invalid(PART, detail)
}

fn unexpected(name: Option<&str>) -> ApiError {
    const LONGEST: usize = 64;
    let name: String = name.unwrap_or_default().chars().take(LONGEST).collect();
    ApiError::invalid(
        &name,
        format!("expected the form parts {PART}, {DEADLINE}, {METADATA} and {WEBHOOK} only"),
    )
}

async fn read_time(part: Field<'_>) -> Result<OffsetDateTime, ApiError> {
    const LONGEST_BYTES: u64 = 64;
    let bytes = read_part(part, LONGEST_BYTES).await?;
    let time = std::str::from_utf8(&bytes).ok();
    let time = time.and_then(|text| OffsetDateTime::parse(text.trim(), &Rfc3339).ok());
    time.ok_or_else(|| ApiError::invalid(DEADLINE, "expected a time in RFC 3339"))
}

async fn read_metadata(part: Field<'_>) -> Result<BTreeMap<String, String>, ApiError> {
    // The largest, with each character as six of an escape.
    const LONGEST_BYTES: u64 = 64 * 1024;
    let bytes = read_part(part, LONGEST_BYTES).await?;
    let metadata = serde_json::from_slice(&bytes);
    metadata.map_err(|_| ApiError::invalid(METADATA, "expected a JSON object of strings"))
}

async fn read_url(part: Field<'_>) -> Result<String, ApiError> {
    const LONGEST_BYTES: u64 = 8 * 1024;
    let bytes = read_part(part, LONGEST_BYTES).await?;
    String::from_utf8(bytes.into()).map_err(|_| ApiError::invalid(WEBHOOK, "expected a URL"))
}

async fn read_part(mut part: Field<'_>, limit: u64) -> Result<Bytes, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        let length = u64::try_from(bytes.len() + chunk.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(too_large());
        }
        // By an eighth, not by doubling: the memory is counted by what has come.
        if bytes.capacity() - bytes.len() < chunk.len() {
            bytes.reserve_exact(chunk.len().max(bytes.len() / 8));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

fn too_large() -> ApiError {
    ApiError::TooLarge(format!(
        "a photo may have at most {PHOTO_LIMIT_BYTES} bytes, those of one form {USER_LIMIT_BYTES}"
    ))
}

fn broken(error: MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => match cause_of::<NoRoom>(&error) {
            Some(no_room) => ApiError::Unavailable((*no_room).into()),
            None => unreadable(error),
        },
    }
}
