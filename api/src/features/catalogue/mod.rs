//! The catalogue: products, search, suggestions, and which products are recommended.

mod likes;
mod problems;
mod purge;
mod recommendations;
mod routes;
mod search;
mod selection;
mod state;
mod view;

pub(crate) use self::likes::{Mark, ReadLikes};
pub use self::problems::PROBLEMS;
pub(crate) use self::purge::purges;
pub(crate) use self::recommendations::{Opening, recommend_from};
pub(crate) use self::routes::routes;
pub(crate) use self::search::{complete, find_first};
pub use self::state::CatalogueState;
pub(crate) use self::view::{Listed, count_liked, list_liked};
