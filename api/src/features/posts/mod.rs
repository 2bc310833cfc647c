//! Posts, the feeds that show them, and the diary, whose entries are posts that nobody else sees.

mod content;
mod diary;
mod draft;
mod export;
mod feeds;
mod home;
mod numbers;
#[cfg(test)]
mod plans;
mod problems;
mod purge;
mod ranking;
mod read;
mod routes;
mod searched;
mod state;
mod store;
mod view;
mod write;

pub(crate) use self::content::PostCounts;
pub(crate) use self::diary::read_diary;
pub(crate) use self::draft::{DraftPicture, TEXT_LENGTH, check_text};
pub(crate) use self::export::exports;
pub(crate) use self::feeds::{Feed, read_feed};
pub(crate) use self::numbers::count_liked;
pub use self::problems::PROBLEMS;
pub(crate) use self::purge::purges;
pub(crate) use self::ranking::RankedPage;
pub(crate) use self::read::{Post, Way, find, find_by_number, push_unrestricted};
pub(crate) use self::routes::routes;
pub(crate) use self::searched::{PostIndexer, PublicPosts, read_found};
pub use self::state::PostsState;
pub(crate) use self::store::remove_any;
pub(crate) use self::view::PostView;
pub(crate) use self::write::{Draft, DraftChange, change, create, delete};
