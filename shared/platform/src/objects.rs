//! Object store (S3): presigned uploads for clients, access for the programs, and the bucket's rules.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, CorsConfiguration, CorsRule, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::Bytes;
use secrecy::ExposeSecret;
use time::OffsetDateTime;
use url::Url;

use crate::config::ObjectsConfig;
use crate::origins::PageOrigins;

/// A presigned upload: a request that a client sends directly to S3.
#[derive(Debug, Clone)]
pub struct Upload {
    /// URL of the PUT; carries its own authorization.
    pub url: String,
    /// Names and values of the headers that the request must carry, unchanged.
    pub headers: Vec<(String, String)>,
}

/// A version of an object.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its length, in bytes.
    pub length: u64,
    tag: Option<String>,
}

/// An object as a listing of the bucket shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Time of the upload that it holds, by the object store's clock.
    pub modified: OffsetDateTime,
}

/// Reason why an object could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is no such object.
    #[error("the object does not exist")]
    Missing,
    /// The object is larger than this limit, in bytes.
    #[error("the object is larger than {0} bytes")]
    TooLarge(u64),
    /// S3 refuses the request, and would refuse it again. Without the permission to list the bucket, a missing object is
    /// refused too.
    #[error("the object store refuses: {0}")]
    Refused(String),
    /// S3 is unavailable or responded with an error.
    #[error("object store: {0}")]
    Unavailable(String),
}

impl ObjectError {
    fn unavailable(error: &(impl std::error::Error + 'static)) -> Self {
        Self::Unavailable(DisplayErrorContext(error).to_string())
    }
}

/// Client of the private bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    client: Client,
    /// Client that signs for the address that clients reach.
    signer: Client,
    bucket: String,
    upload_ttl: Duration,
}

impl Objects {
    /// Creates the clients; nothing is sent. Fails if the TLS settings are invalid.
    pub fn new(config: &ObjectsConfig) -> Result<Self, ObjectError> {
        let public = config.s3_public_endpoint.as_ref().unwrap_or(&config.s3_endpoint);
        Ok(Self {
            client: s3_client(config, &config.s3_endpoint)?,
            signer: s3_client(config, public)?,
            bucket: config.s3_bucket.clone(),
            upload_ttl: config.s3_upload_ttl,
        })
    }

    /// The same store's bucket of another name.
    #[must_use]
    pub fn in_bucket(self, bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), ..self }
    }

    /// Lifetime of a presigned upload.
    pub fn upload_ttl(&self) -> Duration {
        self.upload_ttl
    }

    /// Signs a PUT of exactly this key, type and length: S3 refuses anything else. `sha256` (base64) also binds the
    /// bytes.
    pub async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
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
            .content_type(content_type)
            .content_length(i64::try_from(length_bytes).unwrap_or(i64::MAX))
            .set_checksum_sha256(sha256)
            .presigned(ttl)
            .await
            .map_err(|error| ObjectError::unavailable(&error))?;
        let headers = request.headers().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Ok(Upload { url: request.uri().to_owned(), headers })
    }

    /// Signs a PUT of this key with any type, and with any length unless one is given; the reader must check the object.
    pub async fn presign_put_of_any(
        &self,
        key: &str,
        length_bytes: Option<u64>,
    ) -> Result<String, ObjectError> {
        let ttl = PresigningConfig::expires_in(self.upload_ttl)
            .map_err(|error| ObjectError::unavailable(&error))?;
        let length = length_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let request = self.signer.put_object().bucket(&self.bucket).key(key);
        let request = request.set_content_length(length).presigned(ttl).await;
        let request = request.map_err(|error| ObjectError::unavailable(&error))?;
        Ok(request.uri().to_owned())
    }

    /// Stores an object under a key.
    pub async fn put(
        &self,
        key: &str,
        content_type: &str,
        bytes: Bytes,
    ) -> Result<(), ObjectError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .body(bytes.into())
            .send()
            .await
            .map(drop)
            .map_err(|error| ObjectError::unavailable(&error))
    }

    /// Reads an object of at most `limit_bytes`.
    pub async fn get(&self, key: &str, limit_bytes: u64) -> Result<Bytes, ObjectError> {
        let object = self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(
            |error| match error.as_service_error() {
                Some(service) if service.is_no_such_key() => ObjectError::Missing,
                _ if is_final(&error) => {
                    ObjectError::Refused(DisplayErrorContext(&error).to_string())
                }
                _ => ObjectError::unavailable(&error),
            },
        )?;
        let length = object.content_length().unwrap_or_default();
        if u64::try_from(length).unwrap_or_default() > limit_bytes {
            return Err(ObjectError::TooLarge(limit_bytes));
        }
        let body = object.body.collect().await.map_err(|error| ObjectError::unavailable(&error))?;
        Ok(body.into_bytes())
    }

    /// Finds the version of an object that is there now.
    pub async fn version(&self, key: &str) -> Result<Version, ObjectError> {
        let head = self.client.head_object().bucket(&self.bucket).key(key).send().await;
        let head = head.map_err(|error| match error.as_service_error() {
            Some(service) if service.is_not_found() => ObjectError::Missing,
            _ if is_final(&error) => ObjectError::Refused(DisplayErrorContext(&error).to_string()),
            _ => ObjectError::unavailable(&error),
        })?;
        let length = u64::try_from(head.content_length().unwrap_or_default()).unwrap_or_default();
        Ok(Version { length, tag: head.e_tag().map(str::to_owned) })
    }

    /// Reads bytes of a version from `start`, at most `length` and at least one. Refused once another version is there.
    pub async fn get_part(
        &self,
        key: &str,
        version: &Version,
        start: u64,
        length: u64,
    ) -> Result<Bytes, ObjectError> {
        let last = start.saturating_add(length.max(1)) - 1;
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request = request.range(format!("bytes={start}-{last}"));
        let part = request.set_if_match(version.tag.clone()).send().await;
        let part = part.map_err(|error| match error.as_service_error() {
            Some(service) if service.is_no_such_key() => ObjectError::Missing,
            _ if is_final(&error) => ObjectError::Refused(DisplayErrorContext(&error).to_string()),
            _ => ObjectError::unavailable(&error),
        })?;
        let body = part.body.collect().await.map_err(|error| ObjectError::unavailable(&error))?;
        Ok(body.into_bytes())
    }

    /// Returns true if there is an object at a key.
    pub async fn exists(&self, key: &str) -> Result<bool, ObjectError> {
        let head = self.client.head_object().bucket(&self.bucket).key(key).send().await;
        let Err(error) = head else { return Ok(true) };
        match error.as_service_error() {
            Some(service) if service.is_not_found() => Ok(false),
            _ => Err(ObjectError::unavailable(&error)),
        }
    }

    /// Lists at most 1000 of the objects whose keys begin with `prefix` and come after `after`, in the order of their keys.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<Listed>, ObjectError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let list = list.set_start_after(after.map(str::to_owned)).send().await;
        let list = list.map_err(|error| ObjectError::unavailable(&error))?;
        let listed = list.contents().iter().filter_map(|object| {
            let modified = OffsetDateTime::from_unix_timestamp(object.last_modified()?.secs());
            Some(Listed {
                key: object.key()?.to_owned(),
                size_bytes: u64::try_from(object.size()?).unwrap_or_default(),
                modified: modified.ok()?,
            })
        });
        Ok(listed.collect())
    }

    /// Deletes an object. A missing object counts as deleted.
    pub async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        deleted.map(drop).map_err(|error| ObjectError::unavailable(&error))
    }

    /// Deletes at most 1000 of the objects whose keys begin with `prefix`; returns their number.
    pub async fn delete_some(&self, prefix: &str) -> Result<usize, ObjectError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).send().await;
        let list = list.map_err(|error| ObjectError::unavailable(&error))?;
        let keys: Vec<&str> = list.contents().iter().filter_map(|object| object.key()).collect();
        for key in &keys {
            self.delete(key).await?;
        }
        Ok(keys.len())
    }

    /// Checks that the bucket is reachable.
    pub async fn check(&self) -> Result<(), ObjectError> {
        let head = self.client.head_bucket().bucket(&self.bucket).send().await;
        head.map(drop).map_err(|error| ObjectError::unavailable(&error))
    }

    /// Creates the bucket if it is missing, allows uploads from pages of `origins` alone (CORS), and sets the lifecycle rule
    /// that deletes objects under `prefix` after `days`. Idempotent.
    pub async fn prepare_bucket(
        &self,
        origins: &PageOrigins,
        prefix: &str,
        days: u16,
    ) -> Result<(), ObjectError> {
        if self.check().await.is_err() {
            let created = self.client.create_bucket().bucket(&self.bucket).send().await;
            created.map_err(|error| ObjectError::unavailable(&error))?;
        }
        let cors = self.client.put_bucket_cors().bucket(&self.bucket);
        cors.cors_configuration(cors_rules(origins).map_err(|e| ObjectError::unavailable(&e))?)
            .send()
            .await
            .map_err(|error| ObjectError::unavailable(&error))?;
        let lifecycle = self.client.put_bucket_lifecycle_configuration().bucket(&self.bucket);
        lifecycle
            .lifecycle_configuration(
                expiry(prefix, days).map_err(|e| ObjectError::unavailable(&e))?,
            )
            .send()
            .await
            .map_err(|error| ObjectError::unavailable(&error))?;
        Ok(())
    }
}

/// True for a 4xx that another try would meet too.
fn is_final<E>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map(|response| response.status().as_u16());
    status.is_some_and(|status| (400..500).contains(&status) && ![408, 429].contains(&status))
}

fn cors_rules(origins: &PageOrigins) -> Result<CorsConfiguration, aws_sdk_s3::error::BuildError> {
    let rule = CorsRule::builder()
        .set_allowed_origins(Some(origins.iter().map(str::to_owned).collect()))
        .allowed_methods("PUT")
        .allowed_headers("content-type")
        .allowed_headers("x-amz-checksum-sha256")
        .max_age_seconds(3600)
        .build()?;
    CorsConfiguration::builder().cors_rules(rule).build()
}

fn expiry(
    prefix: &str,
    days: u16,
) -> Result<BucketLifecycleConfiguration, aws_sdk_s3::error::BuildError> {
    let rule = LifecycleRule::builder()
        .id("expire-uploads")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
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
        // Nor is a checksum that the store keeps computed again at every read.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(timeouts)
        .build();
    Ok(Client::from_conf(config))
}
