//! Accounts: users, sessions, access tokens, rotating refresh tokens and stream tickets.

mod device;
mod keys;
mod opaque;
mod personal_data;
#[cfg(test)]
mod plans;
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

pub(crate) use self::device::Device;
pub(crate) use self::opaque::OpaqueToken;
pub(crate) use self::personal_data::{exports, sign_out_everywhere};
pub use self::problems::PROBLEMS;
pub(crate) use self::problems::{EXPIRED, REASON, REFRESH_TOKEN_INVALID};
pub(crate) use self::purge::purges;
pub(crate) use self::refresh_tokens::find_begun;
pub(crate) use self::revoke::revoke_in;
pub(crate) use self::routes::routes;
pub(crate) use self::secret::ServerSecret;
pub(crate) use self::sessions::lock_owned as lock_session;
pub use self::settings::AccountsSettings;
pub(crate) use self::start::{SessionView, continue_session, rehearse, start_session};
pub use self::state::AccountsState;
pub(crate) use self::tickets::StreamUser;
pub use self::token::Tokens;
pub(crate) use self::users::{Known, find_known, promote_guest};
pub use self::users::{NewUser, UserKind, insert_user};
