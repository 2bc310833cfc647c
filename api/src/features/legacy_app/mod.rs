//! The legacy mobile endpoints, which speak an older dialect. They hold no logic of their own: each maps its call onto the
//! same submit, wait and upload as `/v1`, and `envelope` writes every response under `/api`, errors included.

mod authorization;
mod envelope;
mod friends;
mod personal_color;
mod problems;
mod products;
mod profiles;
mod routes;
mod settings;
mod uploads;
mod words;

pub(crate) use self::envelope::write_error;
pub use self::problems::PROBLEMS;
pub(crate) use self::routes::{PREFIX, routes};
pub use self::settings::LegacyAppSettings;
