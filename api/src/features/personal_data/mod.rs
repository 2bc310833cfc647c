//! A user's rights over what is kept of them: to take it along, and to have it deleted.

mod deletion;
mod export;
mod purge;
mod routes;
mod state;

pub(crate) use self::purge::purges;
pub(crate) use self::routes::routes;
pub use self::state::PersonalDataState;
