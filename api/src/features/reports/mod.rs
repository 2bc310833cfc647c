//! Reports: users tell operators of what breaks the rules.

mod export;
mod file;
mod purge;
mod queue;
mod routes;
mod state;
mod words;

pub(crate) use self::export::exports;
pub(crate) use self::file::{NewReport, Subject, file};
pub(crate) use self::purge::purges;
pub(crate) use self::queue::{Closed, Outcome, Report, close, list};
pub(crate) use self::routes::routes;
pub use self::state::ReportsState;
pub(crate) use self::words::Reason;
