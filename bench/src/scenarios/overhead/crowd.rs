//! Clients of a contender: each submits over HTTP and has one stream on which its results are pushed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use eventsource_stream::Eventsource;
use futures_util::{StreamExt, pin_mut};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::load::{Job, Jobs};
use crate::stub::record::Clock;

/// Longest wait for the results that are missing at the end.
const PATIENCE: Duration = Duration::from_secs(15);

/// Requests of one client.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// URL of the submits.
    pub(super) submit: String,
    /// URL of the stream.
    pub(super) events: String,
    /// Bearer token; `None` where none is needed.
    pub(super) token: Option<String>,
    /// Body of a submit.
    pub(super) body: Value,
}

impl Caller {
    /// Client `user` of a contender of `bench/peers` or `bench/src/contenders`.
    pub(super) fn of_peer(url: &str, user: usize) -> Self {
        let (submit, events) = (format!("{url}/jobs/{user}"), format!("{url}/events/{user}"));
        Self { submit, events, token: None, body: json!({}) }
    }
}

/// All clients of a contender. Their streams are closed as this is dropped.
pub(super) struct Crowd {
    callers: Vec<Caller>,
    http: Client,
    results: Arc<Results>,
    clock: Clock,
    _streams: JoinSet<()>,
}

/// Results by job: those that arrived, those that are waited for. A result may be pushed before the answer to its submit
/// is read.
#[derive(Default)]
struct Results {
    by_job: Mutex<HashMap<String, Place>>,
    clock: Clock,
}

enum Place {
    Arrived(End),
    Awaited(oneshot::Sender<End>),
}

/// End of a job: the time of its arrival, in milliseconds since 1970, and whether it succeeded.
type End = (f64, bool);

impl Results {
    fn arrive(&self, data: &str) {
        let now = self.clock.now_ms();
        let Ok(told) = serde_json::from_str::<Value>(data) else { return };
        let (Some(id), Some(status)) = (told["id"].as_str(), told["status"].as_str()) else {
            return;
        };
        if matches!(status, "queued" | "running") {
            return;
        }
        let end = (now, status == "succeeded");
        let mut jobs = self.by_job.lock().unwrap_or_else(PoisonError::into_inner);
        match jobs.remove(id) {
            Some(Place::Awaited(waiter)) => drop(waiter.send(end)),
            _ => drop(jobs.insert(id.to_owned(), Place::Arrived(end))),
        }
    }

    async fn of(&self, id: String, give_up: Instant) -> Option<End> {
        let waiting = {
            let mut jobs = self.by_job.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Place::Arrived(end)) = jobs.remove(&id) {
                return Some(end);
            }
            let (waiter, waiting) = oneshot::channel();
            jobs.insert(id, Place::Awaited(waiter));
            waiting
        };
        timeout_at(give_up, waiting).await.ok()?.ok()
    }
}

impl Crowd {
    /// Opens the streams of all callers.
    pub(super) async fn gather(callers: Vec<Caller>) -> anyhow::Result<Self> {
        let http = crate::load::target::http()?;
        // The streams last longer than any request may.
        let streaming = Client::builder().no_proxy().tcp_nodelay(true).build()?;
        let (results, mut streams) = (Arc::<Results>::default(), JoinSet::new());
        for caller in &callers {
            let mut request = streaming.get(&caller.events);
            if let Some(token) = &caller.token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.context("opening a stream")?;
            ensure!(answer.status().is_success(), "opening a stream: {}", answer.status());
            streams.spawn(follow(answer, Arc::clone(&results)));
        }
        Ok(Self { callers, http, results, clock: Clock::default(), _streams: streams })
    }

    /// Submits a job and waits for its result.
    pub(super) async fn job(&self, number: usize, give_up: Instant) -> Job {
        let mut job = Job { sent_ms: self.clock.now_ms(), ..Job::default() };
        match self.submit(number, &mut job).await {
            Ok(id) => match self.results.of(id, give_up).await {
                Some((at, true)) => job.finished_ms = Some(at),
                Some((_, false)) => job.failure = Some("no success".to_owned()),
                None => {}
            },
            Err(error) => job.failure = Some(format!("{error:#}")),
        }
        job
    }

    async fn submit(&self, number: usize, job: &mut Job) -> anyhow::Result<String> {
        let caller = &self.callers[number % self.callers.len()];
        let mut request = self.http.post(&caller.submit).json(&caller.body);
        if let Some(token) = &caller.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        ensure!(answer.status().as_u16() == 202, "submit: {}", answer.status());
        let accepted: Value = answer.json().await?;
        job.accepted_ms = Some(self.clock.now_ms());
        Ok(accepted["id"].as_str().context("no id")?.to_owned())
    }

    /// Keeps `window` jobs in flight, until `count` are submitted or `longest` is over.
    pub(super) async fn flood(&self, count: usize, window: usize, longest: Duration) -> Jobs {
        let (next, end) = (AtomicUsize::new(0), Instant::now() + longest);
        let one = async || {
            let mut jobs = Vec::new();
            while Instant::now() < end {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                jobs.push(self.job(number, end + PATIENCE).await);
            }
            jobs
        };
        let lanes = futures_util::future::join_all((0..window).map(|_| one())).await;
        Jobs(lanes.into_iter().flatten().collect())
    }

    /// Submits `rate` jobs a second for `duration`, whatever becomes of them.
    pub(super) async fn open(&self, rate: f64, duration: Duration) -> Jobs {
        let start = Instant::now();
        let give_up = start + duration + PATIENCE;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of jobs: small and positive"
        )]
        let count = (rate * duration.as_secs_f64()) as u32;
        let job = async |number: u32| {
            sleep_until(start + Duration::from_secs_f64(f64::from(number) / rate)).await;
            self.job(number as usize, give_up).await
        };
        Jobs(futures_util::future::join_all((0..count).map(job)).await)
    }
}

async fn follow(answer: Response, results: Arc<Results>) {
    let events = answer.bytes_stream().eventsource();
    pin_mut!(events);
    while let Some(Ok(event)) = events.next().await {
        results.arrive(&event.data);
    }
}
