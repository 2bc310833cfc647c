//! Likes of posts.

mod export;
mod give;
mod routes;
mod state;

pub(crate) use self::export::exports;
pub(crate) use self::give::give;
pub(crate) use self::routes::routes;
pub use self::state::LikesState;
