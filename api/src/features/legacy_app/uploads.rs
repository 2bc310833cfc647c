//! Presigned uploads by file names.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_colour::photo::{PHOTO_LIMIT_BYTES, PhotoType, photo_key};
use utoipa::ToSchema;

use super::envelope::{Answer, Failure};
use crate::features::uploads::UploadsState;
use crate::http::extract::ApiJson;
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// Uploads signed in one call.
const MOST_FILES: usize = 20;
/// Longest name that is repeated in the answer, in bytes.
const LONGEST_NAME: usize = 255;

/// The photos about to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatePresignedUrls {
    /// Ending in an extension of a photo: jpg, png, webp, heic and other names of these formats.
    #[schema(min_items = 1, max_items = 20)]
    file_names: Vec<String>,
    /// The photos' sizes in bytes, in the order of the names: S3 then refuses others. Where they are missing, a photo over
    /// 10 MiB is deleted after its upload.
    #[schema(min_items = 1, max_items = 20)]
    content_lengths: Option<Vec<u64>>,
}

/// Where the photos go.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FilesView {
    files: Vec<FileView>,
}

/// Where one photo goes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileView {
    file_name: String,
    /// Takes one PUT; carries its own authorization.
    upload_url: String,
    /// The photo's address afterwards; not readable without authorization.
    file_url: String,
}

/// Signs a PUT for each of the named files. Its type is not signed, since the app does not say it.
#[utoipa::path(
    post,
    path = "/api/uploads/presigned-urls",
    tag = "app",
    security(("bearer" = [])),
    responses((status = OK, body = Answer<FilesView>), (status = "default", body = Failure))
)]
pub(super) async fn create_presigned_urls(
    State(state): State<UploadsState>,
    CurrentUser(user): CurrentUser,
    ApiJson(CreatePresignedUrls { file_names, content_lengths }): ApiJson<CreatePresignedUrls>,
) -> Result<Json<Answer<FilesView>>, ApiError> {
    let named = check(file_names)?;
    let lengths = check_lengths(content_lengths, named.len())?;
    state.quota.take(user, u32::try_from(named.len()).unwrap_or(u32::MAX)).await?;
    let mut files = Vec::new();
    for ((file_name, kind), length) in named.into_iter().zip(lengths) {
        let upload_url = state.objects.presign_put_of_any(&photo_key(user, kind), length).await?;
        let file_url = upload_url.split('?').next().unwrap_or_default().to_owned();
        files.push(FileView { file_name, upload_url, file_url });
    }
    Ok(Answer::new(200, FilesView { files }))
}

/// The names, with the types that they end in.
fn check(file_names: Vec<String>) -> Result<Vec<(String, PhotoType)>, ApiError> {
    if !(1..=MOST_FILES).contains(&file_names.len()) {
        let detail = format!("expected 1 to {MOST_FILES} names");
        return Err(ApiError::invalid("fileNames", detail));
    }
    let named = file_names.into_iter().enumerate().map(|(index, file_name)| {
        let kind = photo_type(&file_name).ok_or_else(|| {
            let detail = "expected a name that ends in jpg, jpeg, png, webp or heic";
            ApiError::invalid(&format!("fileNames[{index}]"), detail)
        })?;
        Ok((file_name, kind))
    });
    named.collect()
}

/// The size of each photo, where the client says them.
fn check_lengths(lengths: Option<Vec<u64>>, files: usize) -> Result<Vec<Option<u64>>, ApiError> {
    let Some(lengths) = lengths else { return Ok(vec![None; files]) };
    if lengths.len() != files
        || lengths.iter().any(|bytes| !(1..=PHOTO_LIMIT_BYTES).contains(bytes))
    {
        let detail = format!("expected one size of 1 to {PHOTO_LIMIT_BYTES} bytes for each name");
        return Err(ApiError::invalid("contentLengths", detail));
    }
    Ok(lengths.into_iter().map(Some).collect())
}

fn photo_type(file_name: &str) -> Option<PhotoType> {
    let (_, extension) = file_name.rsplit_once('.').filter(|_| file_name.len() <= LONGEST_NAME)?;
    PhotoType::from_extension(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_names_ending_says_what_the_photo_is() {
        assert_eq!(photo_type("a.jpg"), Some(PhotoType::Jpeg));
        assert_eq!(photo_type("IMG.0001.JPEG"), Some(PhotoType::Jpeg));
        assert_eq!(photo_type("a.jfif"), Some(PhotoType::Jpeg));
        assert_eq!(photo_type("얼굴.heic"), Some(PhotoType::Heic));
        assert_eq!(photo_type("DSC01.HIF"), Some(PhotoType::Heic));
        for name in
            ["", "jpg", "a.", "a.gif", "a.avif", "a.jpg/", &format!("{}.jpg", "x".repeat(255))]
        {
            assert_eq!(photo_type(name), None, "{name}");
        }
    }
}
