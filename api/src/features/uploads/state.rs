//! The state of uploads.

use toneup_platform::objects::Objects;

use super::quota::UploadQuota;
use super::seal::Seal;
use super::settings::UploadsSettings;
use crate::http::limits::RateLimiter;

/// The part of the application's state that uploads use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UploadsState {
    pub(crate) objects: Objects,
    pub(crate) seal: Seal,
    pub(crate) quota: UploadQuota,
}

impl UploadsState {
    /// Prepares the seal and the quota.
    pub fn new(
        settings: &UploadsSettings,
        objects: Objects,
        limiter: RateLimiter,
    ) -> anyhow::Result<Self> {
        let quota = UploadQuota::new(settings, limiter);
        Ok(Self { objects, seal: Seal::new(settings)?, quota })
    }
}
