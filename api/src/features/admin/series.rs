//! The last half hour as this replica saw it, every few seconds: what the dashboard's charts are drawn from.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};
use toneup_colour::analysis::ANALYSIS;
use toneup_jobs::store::search::{list_spans, percentile};
use toneup_operate::replicas::Registry;
use toneup_platform::database::{Database, bounded};
use toneup_platform::shutdown::Shutdown;
use utoipa::{IntoParams, ToSchema};

use super::operator::Operator;
use super::state::AdminState;
use crate::features::analyses::QueueView;
use crate::http::extract::ApiQuery;
use crate::http::problem::{ApiError, Problem};

/// Interval between two samples.
const EVERY: Duration = Duration::from_secs(5);
/// Samples that are kept: half an hour of them.
const KEPT: usize = 360;
/// Ended jobs that a sample's percentiles are taken of, at most.
const SPANS: u32 = 500;

/// What was seen at one moment. What could not be seen is null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sample {
    /// Seconds since 1970.
    at: i64,
    /// Jobs in the broker.
    pub(super) queued: Option<u32>,
    /// Jobs beyond their owner's share.
    pub(super) held: Option<u32>,
    /// Jobs at work.
    pub(super) running: Option<u32>,
    /// How long the oldest waiting job has waited; 0 if none waits.
    oldest_seconds: Option<f64>,
    /// Rows that somebody should have looked at by now.
    due: Option<u32>,
    /// Dead letters.
    dead_letters: Option<u32>,
    /// Jobs that ended in the last minute, by 60.
    per_second: Option<f64>,
    /// Half of those that ended in the last half minute took at most so long from their submit.
    p50_seconds: Option<f64>,
    /// 95 of a hundred did.
    p95_seconds: Option<f64>,
    /// Requests that the analyzers take at once, where they say so.
    pub(super) capacity: Option<u32>,
    /// Requests that all workers together may have there.
    limit: Option<u32>,
    /// Requests that they have there.
    in_flight: Option<u32>,
    /// Jobs in the workers' hands that wait for their turn.
    waiting: Option<u32>,
}

/// The samples. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Series(Arc<RwLock<VecDeque<Sample>>>);

impl Series {
    /// Starts to take samples on `shutdown`.
    pub(super) fn spawn(
        pool: Database,
        queue: QueueView,
        registry: Registry,
        shutdown: &Shutdown,
    ) -> Self {
        let (series, draining) = (Self::default(), shutdown.draining.clone());
        let kept = series.clone();
        shutdown.tasks.spawn(async move {
            let mut clock = interval(EVERY);
            clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while draining.run_until_cancelled(clock.tick()).await.is_some() {
                let sample = take(&pool, &queue, &registry).await;
                kept.push(sample);
            }
        });
        series
    }

    /// The latest sample; empty before the first.
    pub(super) fn latest(&self) -> Sample {
        let samples = self.0.read().unwrap_or_else(PoisonError::into_inner);
        samples.back().cloned().unwrap_or_default()
    }

    fn push(&self, sample: Sample) {
        let mut samples = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if samples.len() >= KEPT {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    fn since(&self, at: i64) -> Vec<Sample> {
        let samples = self.0.read().unwrap_or_else(PoisonError::into_inner);
        samples.iter().filter(|sample| sample.at > at).cloned().collect()
    }
}

async fn take(pool: &Database, queue: &QueueView, registry: &Registry) -> Sample {
    let snapshot = queue.latest();
    let spans = bounded(async { list_spans(&mut *pool.acquire().await?, ANALYSIS, SPANS).await })
        .await
        .ok();
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let mut sample = Sample { at: OffsetDateTime::now_utc().unix_timestamp(), ..Sample::default() };
    if let Some(load) = snapshot.load {
        let held = count(load.held);
        sample.queued = Some(count(load.queued).saturating_sub(held));
        sample.held = Some(held);
        sample.running = Some(count(load.running));
        sample.oldest_seconds = Some(load.oldest_seconds.unwrap_or_default());
        sample.due = Some(count(load.due));
        sample.dead_letters = Some(count(load.dead));
        sample.per_second = Some(f64::from(count(load.ended)) / 60.0);
        sample.capacity = snapshot.capacity;
    }
    if let Some(spans) = spans {
        sample.p50_seconds = percentile(&spans, 50);
        sample.p95_seconds = percentile(&spans, 95);
    }
    if let Ok(replicas) = registry.list().await {
        let loads = || replicas.iter().filter_map(|replica| replica.load.as_ref());
        sample.limit = Some(loads().map(|load| load.limit).sum());
        sample.in_flight = Some(loads().map(|load| load.in_flight).sum());
        sample.waiting = Some(loads().map(|load| load.waiting).sum());
    }
    sample
}

/// Query parameters of the time series.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct SeriesQuery {
    /// Only samples later than this, in seconds since 1970.
    since: Option<i64>,
}

/// Samples, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeriesView {
    /// Seconds between two.
    every_seconds: u64,
    items: Vec<Sample>,
}

/// The last half hour as the replica that answers saw it.
#[utoipa::path(
    get,
    path = "/admin/series",
    tag = "admin",
    security(("bearer" = [])),
    params(SeriesQuery),
    responses(
        (status = OK, body = SeriesView),
        Problem,
    )
)]
pub(super) async fn get_series(
    State(state): State<AdminState>,
    _: Operator,
    ApiQuery(SeriesQuery { since }): ApiQuery<SeriesQuery>,
) -> Result<Json<SeriesView>, ApiError> {
    let items = state.series.since(since.unwrap_or(0));
    Ok(Json(SeriesView { every_seconds: EVERY.as_secs(), items }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_samples_make_room_for_new_ones() {
        let series = Series::default();
        for at in 0..500 {
            series.push(Sample { at, ..Sample::default() });
        }
        let kept = series.since(0);
        assert_eq!((kept.len(), kept[0].at, series.latest().at), (KEPT, 140, 499));
        assert_eq!(series.since(498).len(), 1);
    }
}
