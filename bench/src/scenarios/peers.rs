//! Peer: a job queue with a configured concurrency, Celery (`bench/peers`).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::common::usage;
use crate::load::{self, Jobs, Photo, Target};
use crate::measure::usage::Usage;
use crate::site::servers::{Analyzer, CeleryQueue};
use crate::stub::Settings;

/// Measurement of the peer, or the reason why there is none.
pub(super) type Outcome = Result<(Jobs, Usage), String>;

/// Puts the load on Celery with each concurrency; all at once, each with its own analyzer and Redis.
pub(super) async fn celery<const N: usize>(
    concurrency: [usize; N],
    settings: &Settings,
    rate: f64,
    duration: Duration,
    patience: Duration,
) -> Vec<(usize, Outcome)> {
    let one = async |jobs_at_once: usize| {
        let name = format!("burst-celery-{jobs_at_once}");
        let stub = Analyzer::start(&format!("{name}-stub"), settings).await?;
        let queue = CeleryQueue::start(&name, &stub.url, jobs_at_once).await?;
        let target = Arc::new(Target::direct(&queue.url, Photo::made_up())?);
        let jobs = load::open(&target, 0, rate, duration, patience).await;
        let usage = usage(&[stub], &jobs).await?;
        anyhow::Ok((jobs, usage))
    };
    let each = concurrency.map(|jobs_at_once| async move {
        let outcome = one(jobs_at_once).await;
        (jobs_at_once, outcome.map_err(|error| format!("{error:#}")))
    });
    join_all(each).await
}
