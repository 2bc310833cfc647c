//! People: profiles, nicknames, who follows, blocks and mutes whom.

mod change;
mod content;
mod export;
mod mentions;
mod nickname;
#[cfg(test)]
mod plans;
mod problems;
mod profile;
mod relations;
mod restriction;
mod routes;
mod state;
mod summary;
mod view;

pub(crate) use self::change::{ProfileChange, change_profile};
pub(crate) use self::content::{ContentCounts, CountContent};
pub(crate) use self::export::exports;
pub(crate) use self::mentions::{Mentioned, store_mentions};
pub(crate) use self::nickname::Nickname;
pub use self::problems::PROBLEMS;
pub(crate) use self::problems::user_blocked;
pub(crate) use self::profile::{Profile, find, find_by_number};
pub(crate) use self::relations::{Followed, toggle_follow};
pub(crate) use self::routes::{find_people, routes};
pub use self::state::PeopleState;
pub(crate) use self::summary::{PeoplePage, PersonView, list_likers};
