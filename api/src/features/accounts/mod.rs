//! Accounts: guest users, access tokens, rotating refresh tokens and stream tickets.

mod personal_data;
mod problems;
mod purge;
mod routes;
mod settings;
mod state;
mod store;
mod tickets;
mod token;
mod users;

pub(crate) use self::personal_data::{exports, sign_out_everywhere};
pub use self::problems::PROBLEMS;
pub(crate) use self::purge::purges;
pub(crate) use self::routes::routes;
pub use self::settings::AccountsSettings;
pub use self::state::AccountsState;
pub(crate) use self::store::rehearse;
pub(crate) use self::tickets::StreamUser;
pub use self::token::Tokens;
pub use self::users::{NewUser, UserKind, insert_user};
