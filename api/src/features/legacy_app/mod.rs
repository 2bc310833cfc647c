//! The legacy mobile endpoints, which speak an older dialect. They hold no logic of their own: each maps its call onto the
//! same submit, wait and upload as `/v1`, and `envelope` writes every response under `/api`, errors included.

mod authorization;
mod chats;
mod diary;
mod envelope;
mod feeds;
mod friends;
mod images;
mod personal_color;
mod posts;
mod problems;
mod products;
mod profiles;
mod reports;
mod routes;
mod settings;
mod time;
mod uploads;
mod words;

pub(crate) use self::envelope::write_error;
pub use self::problems::PROBLEMS;
pub(crate) use self::routes::{PREFIX, routes};
pub use self::settings::LegacyAppSettings;
