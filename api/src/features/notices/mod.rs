//! Notices: what a user is told of other people, as a list, on the event stream and by notifications.

mod event_format;
mod export;
mod post;
mod purge;
mod routes;
mod settings;
mod settings_routes;
mod state;
mod view;
mod words;

pub(crate) use self::event_format::formats;
pub(crate) use self::export::exports;
pub(crate) use self::post::NoticePost;
pub(crate) use self::purge::purges;
pub(crate) use self::routes::routes;
pub use self::settings::NoticesSettings;
pub use self::state::NoticesState;
