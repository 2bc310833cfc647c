//! Webhooks by the Standard Webhooks specification, 1.0: signed requests to servers of the user's.

pub mod guard;
pub(crate) mod http;
pub(crate) mod send;
mod log;
mod sign;
mod view;
