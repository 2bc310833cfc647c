//! Comments on posts: threads of one level.

mod delete;
mod export;
mod list;
mod read;
mod routes;
mod state;
mod store;
mod view;
mod write;

pub(crate) use self::export::exports;
pub(crate) use self::read::find;
pub(crate) use self::routes::routes;
pub use self::state::CommentsState;
