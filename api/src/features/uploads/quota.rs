//! Limit on photos that one user may send per hour, by any endpoint.

use toneup_platform::identity::UserId;

use super::settings::UploadsSettings;
use crate::http::limits::{Policy, RateLimiter};
use crate::http::problem::ApiError;

/// Counts uploads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UploadQuota {
    limiter: RateLimiter,
    policy: Policy,
}

impl UploadQuota {
    /// Takes the quota of the settings.
    pub fn new(settings: &UploadsSettings, limiter: RateLimiter) -> Self {
        Self { limiter, policy: Policy::per_hour("uploads", settings.uploads_per_hour) }
    }

    /// Counts so many photos, which are about to be sent, or refuses all of them.
    pub(crate) async fn take(&self, user: UserId, photos: u32) -> Result<(), ApiError> {
        self.limiter.check_units(&self.policy, user.0, photos).await
    }
}
