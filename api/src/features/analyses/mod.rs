//! Analyses: submitting them, waiting for them, streaming their changes.

mod accept;
mod advice;
mod cancel;
mod event_format;
mod export;
mod fallback_poll;
mod metrics;
mod multipart;
mod path;
mod problems;
mod purge;
mod queue_view;
mod routes;
mod settings;
mod sse;
mod state;
mod submission;
mod view;
mod wait;
mod watch;

pub(crate) use self::accept::{OnDuplicate, accept};
pub(crate) use self::event_format::AnalysisEvents;
pub(crate) use self::export::exports;
pub(crate) use self::metrics::METRICS;
pub(crate) use self::path::AnalysisPath;
pub use self::problems::PROBLEMS;
pub(crate) use self::problems::already_finished;
pub(crate) use self::purge::purges;
pub(crate) use self::queue_view::QueueView;
pub(crate) use self::routes::{photo_limit, routes};
pub use self::settings::AnalysesSettings;
pub use self::state::{AnalysesState, Dependencies};
pub(crate) use self::submission::{CreateAnalysisForm, PhotoSubmission};
pub(crate) use self::wait::Waiting;
pub use self::watch::Watchers;
