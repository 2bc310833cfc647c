//! Analyses: submitted, waited for, watched.

mod accept;
pub(crate) mod advice;
pub mod cancel;
pub(crate) mod fallback_poll;
pub mod multipart;
pub mod queue_view;
pub mod routes;
mod sse;
mod submission;
pub(crate) mod view;
mod wait;
pub mod watch;

pub(crate) use accept::{Again, accept};
pub(crate) use submission::{CreateAnalysisForm, PhotoSubmission};
pub(crate) use wait::Waiting;
