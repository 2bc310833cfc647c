//! Recommendations: products whose colour suits a person, near to what they like, of some variety.

mod cursor;
mod palette_fit;
mod rank;
mod score;
mod similar;
mod taste;
mod variety;

pub use self::cursor::{BadCursor, Cursor, MOST_SHOWN};
pub use self::rank::{Reason, Recommended, Recommender, Request};
pub use self::similar::similar;
pub use self::taste::{Taste, read_colour};
