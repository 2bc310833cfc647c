//! Who a caller is: guest users, access tokens and rotating refresh tokens.

pub mod http;
mod store;
pub mod token;

pub(crate) use store::rehearse;
