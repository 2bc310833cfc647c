//! Presigned uploads: the photo goes from the client straight to S3.

mod quota;
mod routes;
mod seal;
mod settings;
mod state;
mod unsubmitted;

pub use self::quota::UploadQuota;
pub(crate) use self::routes::routes;
pub use self::seal::Seal;
pub use self::settings::UploadsSettings;
pub use self::state::UploadsState;
pub use self::unsubmitted::delete_unsubmitted;
