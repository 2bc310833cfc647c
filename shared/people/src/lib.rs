//! People: pictures that others may see, posts and likes as far as several programs know them, the deletion of all that is kept
//! of somebody, and the kinds of jobs of the product.

pub mod comments;
mod conversations;
pub mod counters;
pub mod deletion;
pub mod erasures;
pub mod kinds;
pub mod likes;
pub mod pictures;
pub mod posts;
pub mod ranking;
