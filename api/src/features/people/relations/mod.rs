//! Relations between users: following, blocking, muting.

mod routes;
mod store;

pub(super) use self::routes::routes;
pub(crate) use self::store::{Followed, toggle_follow};
