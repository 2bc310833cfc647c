//! Likes of posts and comments, and of products as they are read.

mod export;
mod give;
mod products;
mod routes;
mod state;

pub(crate) use self::export::exports;
pub(crate) use self::give::give;
pub(crate) use self::products::ProductLikes;
pub(crate) use self::routes::routes;
pub use self::state::LikesState;
