//! The photos in S3: presigned uploads for clients, reading for the worker, the bucket's own rules.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, CorsConfiguration, CorsRule, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::Bytes;
use secrecy::ExposeSecret;
use url::Url;

use crate::analyses::UserId;
use crate::config::ObjectsConfig;

/// Largest photo, in bytes.
pub const PHOTO_LIMIT_BYTES: u64 = 10 * 1024 * 1024;

/// A photo's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoType {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// HEIC, as iPhones take it.
    Heic,
}

impl PhotoType {
    const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Heic];

    /// The media types we accept.
    pub const ACCEPTED: &'static str = "image/jpeg, image/png, image/webp, image/heic";

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Heic => "heic",
        }
    }

    /// The format a media type names.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.content_type().eq_ignore_ascii_case(content_type))
    }

    /// The format a file name's extension means.
    pub fn from_extension(extension: &str) -> Option<Self> {
        if extension.eq_ignore_ascii_case("jpeg") {
            return Some(Self::Jpeg);
        }
        Self::ALL.into_iter().find(|kind| kind.extension().eq_ignore_ascii_case(extension))
    }

    /// The format the first bytes show, whatever a client says.
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        const HEIC_BRANDS: [&[u8]; 6] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"];
        let at =
            |from: usize, magic: &[u8]| bytes.get(from..).is_some_and(|b| b.starts_with(magic));
        if at(0, &[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if at(0, b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if at(0, b"RIFF") && at(8, b"WEBP") {
            Some(Self::Webp)
        } else if at(4, b"ftyp") && HEIC_BRANDS.iter().any(|brand| at(8, brand)) {
            Some(Self::Heic)
        } else {
            None
        }
    }
}

/// The prefix under which a user's photos lie: nobody else's key begins with it.
pub fn user_prefix(user: UserId) -> String {
    format!("u/{}/", user.0)
}

/// A fresh key under the user's prefix.
pub fn photo_key(user: UserId, kind: PhotoType) -> String {
    format!("{}{}.{}", user_prefix(user), uuid::Uuid::now_v7(), kind.extension())
}

/// A request that a client makes to S3 by itself.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Where to send it; carries its own authorization.
    pub url: String,
    /// Headers the request must carry exactly.
    pub headers: Vec<(String, String)>,
}

/// Why a photo could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is no such object.
    #[error("the object does not exist")]
    Missing,
    /// It is larger than a photo may be.
    #[error("the object is larger than {PHOTO_LIMIT_BYTES} bytes")]
    TooLarge,
    /// S3 did not answer as it should.
    #[error("object store: {0}")]
    Unavailable(String),
}

impl ObjectError {
    fn unavailable(error: &(impl std::error::Error + 'static)) -> Self {
        Self::Unavailable(DisplayErrorContext(error).to_string())
    }
}

/// The bucket of the photos. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    client: Client,
    /// Signs for the address that clients reach.
    signer: Client,
    bucket: String,
    upload_ttl: Duration,
}

impl Objects {
    /// Prepares the clients; nothing is sent.
    pub fn new(config: &ObjectsConfig) -> Result<Self, ObjectError> {
        let public = config.s3_public_endpoint.as_ref().unwrap_or(&config.s3_endpoint);
        Ok(Self {
            client: s3_client(config, &config.s3_endpoint)?,
            signer: s3_client(config, public)?,
            bucket: config.s3_bucket.clone(),
            upload_ttl: config.s3_upload_ttl,
        })
    }

    /// How long a presigned upload may be used.
    pub fn upload_ttl(&self) -> Duration {
        self.upload_ttl
    }

    /// Signs a PUT of exactly this key, type and length: S3 refuses anything else. `sha256` (base64) also binds the bytes.
    pub async fn presign_put(
        &self,
        key: &str,
        kind: PhotoType,
        length_bytes: u64,
        sha256: Option<String>,
    ) -> Result<Upload, ObjectError> {
        let ttl = PresigningConfig::expires_in(self.upload_ttl)
            .map_err(|error| ObjectError::unavailable(&error))?;
        let request = self
            .signer
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(kind.content_type())
            .content_length(i64::try_from(length_bytes).unwrap_or(i64::MAX))
            .set_checksum_sha256(sha256)
            .presigned(ttl)
            .await
            .map_err(|error| ObjectError::unavailable(&error))?;
        let headers = request.headers().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Ok(Upload { url: request.uri().to_owned(), headers })
    }

    /// Signs a PUT of this key whose type and length are not known; what is no photo is found out by whoever reads it.
    pub async fn presign_put_of_any(&self, key: &str) -> Result<String, ObjectError> {
        let ttl = PresigningConfig::expires_in(self.upload_ttl)
            .map_err(|error| ObjectError::unavailable(&error))?;
        let request = self.signer.put_object().bucket(&self.bucket).key(key).presigned(ttl).await;
        let request = request.map_err(|error| ObjectError::unavailable(&error))?;
        Ok(request.uri().to_owned())
    }

    /// Stores a photo.
    pub async fn put(&self, key: &str, kind: PhotoType, bytes: Bytes) -> Result<(), ObjectError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(kind.content_type())
            .body(bytes.into())
            .send()
            .await
            .map(drop)
            .map_err(|error| ObjectError::unavailable(&error))
    }

    /// Reads a photo, at most [`PHOTO_LIMIT_BYTES`].
    pub async fn get(&self, key: &str) -> Result<Bytes, ObjectError> {
        let object = self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(
            |error| match error.as_service_error() {
                Some(service) if service.is_no_such_key() => ObjectError::Missing,
                _ => ObjectError::unavailable(&error),
            },
        )?;
        let length = object.content_length().unwrap_or_default();
        if u64::try_from(length).unwrap_or_default() > PHOTO_LIMIT_BYTES {
            return Err(ObjectError::TooLarge);
        }
        let body = object.body.collect().await.map_err(|error| ObjectError::unavailable(&error))?;
        Ok(body.into_bytes())
    }

    /// Whether the bucket can be reached.
    pub async fn check(&self) -> Result<(), ObjectError> {
        let head = self.client.head_bucket().bucket(&self.bucket).send().await;
        head.map(drop).map_err(|error| ObjectError::unavailable(&error))
    }

    /// Makes the bucket what it must be: there, open to uploads from the page's origin alone, forgetting photos after
    /// `photo_days`. Safe to repeat.
    pub async fn prepare_bucket(&self, origin: &Url, photo_days: u16) -> Result<(), ObjectError> {
        if self.check().await.is_err() {
            let created = self.client.create_bucket().bucket(&self.bucket).send().await;
            created.map_err(|error| ObjectError::unavailable(&error))?;
        }
        let cors = self.client.put_bucket_cors().bucket(&self.bucket);
        cors.cors_configuration(cors_rules(origin).map_err(|e| ObjectError::unavailable(&e))?)
            .send()
            .await
            .map_err(|error| ObjectError::unavailable(&error))?;
        let lifecycle = self.client.put_bucket_lifecycle_configuration().bucket(&self.bucket);
        lifecycle
            .lifecycle_configuration(expiry(photo_days).map_err(|e| ObjectError::unavailable(&e))?)
            .send()
            .await
            .map_err(|error| ObjectError::unavailable(&error))?;
        Ok(())
    }
}

fn cors_rules(origin: &Url) -> Result<CorsConfiguration, aws_sdk_s3::error::BuildError> {
    let rule = CorsRule::builder()
        .allowed_origins(origin.origin().ascii_serialization())
        .allowed_methods("PUT")
        .allowed_headers("content-type")
        .allowed_headers("x-amz-checksum-sha256")
        .max_age_seconds(3600)
        .build()?;
    CorsConfiguration::builder().cors_rules(rule).build()
}

fn expiry(days: u16) -> Result<BucketLifecycleConfiguration, aws_sdk_s3::error::BuildError> {
    let rule = LifecycleRule::builder()
        .id("forget-photos")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("u/").build())
        .expiration(LifecycleExpiration::builder().days(days.into()).build())
        .build()?;
    BucketLifecycleConfiguration::builder().rules(rule).build()
}

fn s3_client(config: &ObjectsConfig, endpoint: &Url) -> Result<Client, ObjectError> {
    let credentials = Credentials::new(
        &config.s3_access_key_id,
        config.s3_secret_access_key.expose_secret(),
        None,
        None,
        "configuration",
    );
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(config.trust.s3().map_err(|error| ObjectError::unavailable(&error))?)
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(20))
        .build();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new(config.s3_region.clone()))
        .endpoint_url(endpoint.as_str().trim_end_matches('/'))
        .force_path_style(true)
        .credentials_provider(credentials)
        // Presigned uploads must not demand a checksum that a browser does not send.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(timeouts)
        .build();
    Ok(Client::from_conf(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_known_by_its_first_bytes() {
        assert_eq!(PhotoType::sniff(&[0xff, 0xd8, 0xff, 0xe0]), Some(PhotoType::Jpeg));
        assert_eq!(PhotoType::sniff(b"\x89PNG\r\n\x1a\n...."), Some(PhotoType::Png));
        assert_eq!(PhotoType::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(PhotoType::Webp));
        assert_eq!(PhotoType::sniff(b"\0\0\0\x18ftypheic"), Some(PhotoType::Heic));
        assert_eq!(PhotoType::sniff(b"GIF89a"), None);
        assert_eq!(PhotoType::sniff(b""), None);
    }

    #[test]
    fn a_key_lies_under_its_users_prefix() {
        let user = UserId(uuid::Uuid::now_v7());
        let key = photo_key(user, PhotoType::Heic);
        assert!(key.starts_with(&user_prefix(user)), "{key}");
        assert_eq!(key.rsplit_once('.').map(|(_, extension)| extension), Some("heic"));
        assert_eq!(PhotoType::from_content_type("IMAGE/JPEG"), Some(PhotoType::Jpeg));
        assert_eq!(PhotoType::from_content_type("image/gif"), None);
    }
}
