//! Webhooks by the Standard Webhooks specification, 1.0: signed requests to servers of the user's.

pub mod guard;
mod log;
pub(crate) mod routes;
pub(crate) mod send;
mod sign;
mod view;
