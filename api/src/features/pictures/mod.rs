//! Pictures that others may see, at addresses that stay.

mod export;
mod profile;
mod purge;
mod routes;
mod serve;
mod state;
mod view;

pub(crate) use self::export::exports;
pub(crate) use self::profile::order_profile_picture;
pub(crate) use self::purge::purges;
pub(crate) use self::routes::routes;
pub use self::state::PicturesState;
pub(crate) use self::view::{PictureUrls, PictureView, ReadyPicture};
