//! Analyses: submitted, waited for, watched.

pub mod cancel;
pub mod http;
pub mod multipart;
pub mod queue_view;
mod sse;
mod submission;
pub(crate) mod view;
mod wait;
pub mod watch;
pub(crate) mod words;
