//! What an api keeps of the catalogue in memory, and how it follows the changes.

mod copy;
mod facts;
mod filter;
mod follow;

pub use self::copy::{FactsCopy, VectorsCopy};
pub use self::facts::{Fact, Facts};
pub use self::filter::{Admission, Filter, OF_SEASON};
pub use self::follow::{Again, Batch, Consumer, Follower, Products, Source};
