//! Webhooks by the Standard Webhooks specification, 1.0: signed requests to servers of the user's.

pub mod guard;
pub(crate) mod http;
mod log;
pub(crate) mod send;
mod sign;
mod view;
