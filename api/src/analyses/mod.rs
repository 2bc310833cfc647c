//! Analyses: submitted, waited for, watched.

mod accept;
pub mod cancel;
pub mod http;
pub(crate) mod look;
pub mod multipart;
pub mod queue_view;
mod sse;
mod submission;
pub(crate) mod view;
mod wait;
pub mod watch;
pub(crate) mod words;

pub(crate) use accept::{Again, accept};
pub(crate) use submission::{CreateAnalysisForm, PhotoSubmission};
pub(crate) use wait::Waiting;
