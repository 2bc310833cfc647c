//! People: pictures that others may see, the deletion of all that is kept of somebody, and the kinds of jobs of the product.

mod conversations;
pub mod deletion;
pub mod erasures;
pub mod kinds;
pub mod pictures;
