//! The state of uploads.

use toneup_platform::database::Database;
use toneup_platform::leader::Leadership;
use toneup_platform::objects::Objects;
use toneup_platform::shutdown::Shutdown;

use super::quota::UploadQuota;
use super::seal::Seal;
use super::settings::UploadsSettings;
use super::unsubmitted;
use crate::http::limits::RateLimiter;

/// The part of the application's state that uploads use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UploadsState {
    pub(crate) objects: Objects,
    pub(crate) seal: Seal,
    pub(crate) quota: UploadQuota,
}

impl UploadsState {
    /// Prepares the seal and the quota; on the replica that leads, deletes what nobody submits until `shutdown` drains.
    pub(crate) fn start(
        settings: &UploadsSettings,
        (pool, objects): (Database, Objects),
        limiter: RateLimiter,
        leadership: Leadership,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        shutdown.tasks.spawn(unsubmitted::run(
            (pool, objects.clone()),
            settings.upload_retention,
            leadership,
            shutdown.draining.clone(),
        ));
        let quota = UploadQuota::new(settings, limiter);
        Ok(Self { objects, seal: Seal::new(settings)?, quota })
    }
}
