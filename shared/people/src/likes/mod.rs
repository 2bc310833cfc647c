//! Likes, exact under any concurrency: whoever changes them locks the counters of their targets first, in order, in the
//! transaction that writes both.

mod fold;
#[cfg(test)]
mod plans;
mod store;
mod target;
mod writer;

pub use self::fold::{Ask, Liked, Wish};
pub use self::store::{apply_resolved, erase_of_user};
pub use self::target::{Target, TargetKind, TargetName};
pub use self::writer::{LikeOutcome, LikeWriter, Toggle};
