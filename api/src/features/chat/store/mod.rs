//! Rooms, members and messages in the database.
//!
//! Locks are taken in one order: users by id, rooms by id, then rows of members. An entry of a room's log takes its number
//! under the room's lock, so that numbers have no gaps and become visible in their order.

pub(crate) mod direct;
pub(crate) mod edit;
pub(crate) mod find;
pub(crate) mod groups;
#[cfg(test)]
mod histories;
pub(crate) mod leave;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod notify;
pub(crate) mod pictures;
pub(crate) mod place;
pub(crate) mod read;
pub(crate) mod report;
pub(crate) mod send;
