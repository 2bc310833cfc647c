//! Webhooks by the Standard Webhooks specification, 1.0: signed requests to servers of the user's.

pub(super) mod guard;
pub(super) mod log;
pub(super) mod reseal;
pub(super) mod routes;
pub(super) mod send;
pub(crate) mod sign;
pub(crate) mod urls;
mod view;
