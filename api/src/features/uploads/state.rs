//! The state of uploads.

use toneup_platform::objects::Objects;

use super::seal::Seal;
use super::settings::UploadsSettings;

/// The part of the application's state that uploads use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UploadsState {
    pub(crate) objects: Objects,
    pub(crate) seal: Seal,
}

impl UploadsState {
    /// Prepares the seal.
    pub fn new(settings: &UploadsSettings, objects: Objects) -> anyhow::Result<Self> {
        Ok(Self { objects, seal: Seal::new(settings)? })
    }
}
