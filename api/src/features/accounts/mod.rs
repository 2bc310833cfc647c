//! Accounts: users, sessions, access tokens, rotating refresh tokens and stream tickets.

mod device;
mod keys;
mod opaque;
mod problems;
mod purge;
mod refresh;
mod refresh_tokens;
mod revoke;
mod revoked;
mod routes;
mod secret;
mod session_routes;
mod sessions;
mod settings;
mod start;
mod state;
mod store;
mod tickets;
mod token;
mod users;

pub use self::problems::PROBLEMS;
pub(crate) use self::purge::purges;
pub(crate) use self::routes::routes;
pub use self::settings::AccountsSettings;
pub(crate) use self::start::rehearse;
pub use self::state::AccountsState;
pub(crate) use self::tickets::StreamUser;
pub use self::token::Tokens;
pub use self::users::{NewUser, UserKind, insert_user};
