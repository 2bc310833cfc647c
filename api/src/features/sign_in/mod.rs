//! Signing in with an account elsewhere: providers as values, posted credentials for apps, the code flow for browsers,
//! identities, and what becomes of a guest's analyses.

mod browser;
mod cookie;
mod enter;
mod export;
mod grants;
mod identities;
mod identity_routes;
#[cfg(test)]
mod plans;
mod posted;
mod problems;
mod provider;
mod return_to;
mod routes;
mod settings;
mod start;
mod state;
mod transfers;

pub(crate) use self::export::exports;
pub(crate) use self::posted::{Posted, sign_in};
pub(crate) use self::problems::CREDENTIAL_INVALID;
pub use self::problems::PROBLEMS;
pub(crate) use self::routes::routes;
pub use self::settings::SignInSettings;
pub(crate) use self::state::Dependencies;
pub use self::state::SignInState;
