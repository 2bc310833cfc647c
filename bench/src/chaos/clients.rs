//! Realistic clients: they retry failures, watch their events on whichever replica responds, and log what they were
//! notified of.

mod social;

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use eventsource_stream::Eventsource;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt, unfold};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::ledger::{Entry, Ledger};
use super::tally::{Answer, Tally};
use crate::load::{Photo, User};
use crate::stub::record::Clock;

pub(crate) use self::social::NOT_FOUND;

/// Timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Silence after which a stream counts as broken: heartbeats come every 15 s.
const SILENCE: Duration = Duration::from_secs(20);
/// First and longest delay between retries, doubled in between, with jitter.
const PAUSES_MS: (u64, u64) = (100, 2_000);
/// Most events waiting to be verified in the database.
const WITNESS_BACKLOG: usize = 4_096;
const WITNESS_TIMEOUT: Duration = Duration::from_secs(2);

/// Percentage of jobs that are submitted twice although the first response arrived.
const REPEATED_PERCENT: u32 = 10;
/// Percentage of jobs that are cancelled.
const CANCELLED_PERCENT: u32 = 5;
/// Percentage of jobs that have a deadline.
const DEADLINE_PERCENT: u32 = 5;

/// All simulated users, who submit and watch.
#[derive(Debug)]
pub(crate) struct Crowd {
    seed: u64,
    users: Vec<User>,
    apis: Vec<String>,
    ledger: Ledger,
    http: Client,
    clock: Clock,
    jobs: AtomicUsize,
    seen: Mutex<Seen>,
    /// Counts of their requests.
    pub(crate) tally: Tally,
    witness: mpsc::Sender<(u64, Uuid)>,
    submitting: TaskTracker,
    watching: TaskTracker,
    /// Ends posting and liking.
    resting: CancellationToken,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Seen {
    accepted: HashSet<Uuid>,
    told: HashSet<Uuid>,
    /// Posts that were accepted.
    posts: Vec<Uuid>,
}

/// Deviations of one job from the plain course.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Whims {
    repeat: bool,
    cancel_after: Option<Duration>,
    deadline_in: Option<Duration>,
}

impl Whims {
    fn of(seed: u64, job: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed.rotate_left(32) ^ job as u64);
        let mut chance = |percent: u32| random.random_ratio(percent, 100);
        let (repeat, cancels, hurries) =
            (chance(REPEATED_PERCENT), chance(CANCELLED_PERCENT), chance(DEADLINE_PERCENT));
        let mut within = |ms| Duration::from_millis(random.random_range(0..ms));
        Self {
            repeat,
            cancel_after: cancels.then(|| within(2_000)),
            deadline_in: hurries.then(|| Duration::from_secs(1) + within(9_000)),
        }
    }
}

impl Crowd {
    /// Signs in `users` guests, each with a photo, and starts to watch their events.
    pub(crate) async fn gather(
        seed: u64,
        users: usize,
        photo: &Photo,
        apis: Vec<String>,
        ledger: Ledger,
        database: MySqlPool,
    ) -> anyhow::Result<Arc<Self>> {
        let patient =
            Client::builder().no_proxy().tcp_nodelay(true).connect_timeout(CONNECT_TIMEOUT);
        let http = patient.build()?;
        let mut guests = Vec::with_capacity(users);
        for user in 0..users {
            guests.push(User::sign_in(&http, &apis[user % apis.len()], photo).await?);
        }
        let (witness, to_witness) = mpsc::channel(WITNESS_BACKLOG);
        let crowd = Arc::new(Self {
            seed,
            users: guests,
            apis,
            ledger,
            http,
            clock: Clock::default(),
            jobs: AtomicUsize::new(0),
            seen: Mutex::default(),
            tally: Tally::default(),
            witness,
            submitting: TaskTracker::new(),
            watching: TaskTracker::new(),
            resting: CancellationToken::new(),
            stop: CancellationToken::new(),
        });
        for user in 0..users {
            let watching = Arc::clone(&crowd);
            crowd.watching.spawn(async move {
                watching.stop.run_until_cancelled(watching.watch(user)).await;
            });
        }
        let testifying = Arc::clone(&crowd);
        crowd.watching.spawn(async move {
            testifying.stop.run_until_cancelled(testifying.testify(database, to_witness)).await;
        });
        Ok(crowd)
    }

    /// Submits `count` more jobs at once.
    pub(crate) fn submit(self: &Arc<Self>, count: usize) {
        for _ in 0..count {
            let job = self.jobs.fetch_add(1, Ordering::Relaxed);
            let crowd = Arc::clone(self);
            self.submitting.spawn(async move {
                if let Some(Err(error)) = crowd.stop.run_until_cancelled(crowd.run(job)).await {
                    drop(crate::report::table::say(&format!("client of job {job}: {error:#}")));
                }
            });
        }
    }

    /// Number of jobs so far.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs.load(Ordering::Relaxed)
    }

    /// True if every job was accepted or finally refused.
    pub(crate) fn all_submitted(&self) -> bool {
        self.submitting.is_empty()
    }

    /// Number of accepted analyses whose client has not been notified of the end.
    pub(crate) fn untold(&self) -> usize {
        let seen = self.seen();
        seen.accepted.difference(&seen.told).count()
    }

    /// Stops all clients and returns their log.
    pub(crate) async fn disperse(&self) -> anyhow::Result<Vec<Entry>> {
        self.stop.cancel();
        self.resting.cancel();
        for tasks in [&self.submitting, &self.watching] {
            tasks.close();
            tasks.wait().await;
        }
        self.ledger.read()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_ms(&self) -> f64 {
        self.clock.now_ms()
    }

    /// Runs the client of one job: submits, perhaps repeats, perhaps cancels.
    async fn run(&self, job: usize) -> anyhow::Result<()> {
        let whims = Whims::of(self.seed, job);
        let trace_id = trace_id(self.seed, job);
        let mut body = json!({ "objectKey": self.user(job).object_key() });
        let deadline_ms = whims.deadline_in.map(|within| self.at_ms() + within.as_secs_f64() * 1e3);
        if let Some(deadline_ms) = deadline_ms {
            body["deadline"] = rfc3339(deadline_ms).into();
        }
        let at_ms = self.at_ms();
        self.ledger.write(&Entry::Submits {
            job,
            trace_id: trace_id.clone(),
            deadline_ms,
            at_ms,
        })?;
        for _ in 0..=u32::from(whims.repeat) {
            let Some(analysis) = self.accepted(job, &trace_id, &body).await? else { return Ok(()) };
            if let Some(after) = whims.cancel_after {
                sleep(after).await;
                self.cancel(job, analysis).await?;
            }
        }
        Ok(())
    }

    /// User of a job, or of any other numbered action.
    pub(crate) fn user(&self, job: usize) -> &User {
        &self.users[job % self.users.len()]
    }

    /// Submits until the job is accepted or finally refused.
    async fn accepted(
        &self,
        job: usize,
        trace_id: &str,
        body: &Value,
    ) -> anyhow::Result<Option<Uuid>> {
        let mut failures = 0;
        loop {
            let api = &self.apis[(job + failures) % self.apis.len()];
            let request = self.http.post(format!("{api}/v1/analyses"));
            let request = request
                .bearer_auth(self.user(job).token())
                .header("Idempotency-Key", format!("chaos-{job}"))
                .header("traceparent", format!("00-{trace_id}-00000000000000c1-01"))
                .timeout(REQUEST_TIMEOUT)
                .json(body);
            let mut wait = None;
            if let Some(Answer { status, said, retry_after }) = self.tally.ask(request).await {
                wait = retry_after;
                if status.is_success() {
                    let analysis = said["id"].as_str().context("accepted without an id")?;
                    let analysis = analysis.parse()?;
                    let at_ms = self.at_ms();
                    self.ledger.write(&Entry::Accepted { job, analysis, at_ms })?;
                    self.seen().accepted.insert(analysis);
                    return Ok(Some(analysis));
                }
                if is_final(status) {
                    let code = said["code"].as_str().unwrap_or_default().to_owned();
                    let (status, at_ms) = (status.as_u16(), self.at_ms());
                    self.ledger.write(&Entry::Refused { job, status, code, at_ms })?;
                    return Ok(None);
                }
            }
            failures += 1;
            sleep(wait.unwrap_or_else(|| pause(failures))).await;
        }
    }

    /// Cancels until there is a response: done, or too late.
    async fn cancel(&self, job: usize, analysis: Uuid) -> anyhow::Result<()> {
        self.ledger.write(&Entry::Cancels { analysis, at_ms: self.at_ms() })?;
        let mut failures = 0;
        loop {
            let api = &self.apis[(job + failures) % self.apis.len()];
            let request = self.http.post(format!("{api}/v1/analyses/{analysis}/cancel"));
            let request = request.bearer_auth(self.user(job).token()).timeout(REQUEST_TIMEOUT);
            match self.tally.ask(request).await.map(|answer| answer.status) {
                Some(status) if status.is_success() || is_final(status) => {
                    let (status, at_ms) = (status.as_u16(), self.at_ms());
                    return self.ledger.write(&Entry::CancelAnswered { analysis, status, at_ms });
                }
                _ => failures += 1,
            }
            sleep(pause(failures)).await;
        }
    }

    /// Watches a user's events, on the next replica whenever a stream ends.
    async fn watch(&self, user: usize) {
        let mut last = 0;
        for turn in user.. {
            let api = &self.apis[turn % self.apis.len()];
            let request = self.http.get(format!("{api}/v1/events"));
            let request = request
                .bearer_auth(self.users[user].token())
                .header("Last-Event-ID", last.to_string());
            match timeout(REQUEST_TIMEOUT, request.send()).await {
                Ok(Ok(answer)) if answer.status() == StatusCode::OK => {
                    self.tally.stream(None);
                    self.follow(user, answer, &mut last).await;
                }
                Ok(Ok(answer)) => self.tally.stream(Some(answer.status().to_string())),
                Ok(Err(error)) => self.tally.stream(Some(error.to_string())),
                Err(late) => self.tally.stream(Some(late.to_string())),
            }
            sleep(pause(1)).await;
        }
    }

    /// Logs the ends that one stream reports, until it breaks.
    async fn follow(&self, user: usize, answer: Response, last: &mut u64) {
        let mut events = alive(answer).eventsource();
        loop {
            let event = match events.try_next().await {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(error) => return self.tally.broken(&error.to_string()),
            };
            // Likes are told on the same stream.
            if event.event != "analysis" {
                continue;
            }
            // Only ends have an id.
            let Ok(number) = event.id.parse::<u64>() else { continue };
            let Ok(data) = serde_json::from_str::<Value>(&event.data) else { return };
            let id = data["id"].as_str().and_then(|id| id.parse().ok());
            let (Some(analysis), Some(status)) = (id, data["status"].as_str()) else { return };
            if !is_end(status) {
                continue; // The parser repeats the last id for events without one.
            }
            *last = number;
            let (status, at_ms) = (status.to_owned(), self.at_ms());
            let told = Entry::Told { user, event: number, analysis, status, at_ms };
            if self.ledger.write(&told).is_err() {
                return;
            }
            self.seen().told.insert(analysis);
            // A full channel skips the verification, not the event.
            self.witness.try_send((number, analysis)).ok();
        }
    }

    /// Verifies in the database, at once and bypassing all proxies, that the reported events are committed.
    async fn testify(&self, database: MySqlPool, mut told: mpsc::Receiver<(u64, Uuid)>) {
        const FIND: &str = "SELECT COUNT(*) FROM events WHERE subject_id = ? AND seq = ?";
        while let Some((event, analysis)) = told.recv().await {
            let find = sqlx::query_scalar::<_, i64>(FIND).bind(analysis.as_bytes().as_slice());
            let found = timeout(WITNESS_TIMEOUT, find.bind(event).fetch_one(&database)).await;
            // The database is unavailable: nothing to verify.
            let Ok(Ok(found)) = found else { continue };
            let visible = found > 0;
            if self.ledger.write(&Entry::Witnessed { event, analysis, visible }).is_err() {
                return;
            }
        }
    }
}

/// Trace id chosen by a job's client, which identifies the analyzer's calls.
fn trace_id(seed: u64, job: usize) -> String {
    format!("{:016x}{:016x}", seed.wrapping_add(1), job + 1)
}

fn is_end(status: &str) -> bool {
    ["succeeded", "failed", "cancelled", "expired"].contains(&status)
}

/// True if a retry would change nothing.
fn is_final(status: StatusCode) -> bool {
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    status.is_client_error() && !passing.contains(&status)
}

fn pause(failures: usize) -> Duration {
    let (first, longest) = PAUSES_MS;
    let ceiling = first.saturating_mul(1 << failures.min(10)).min(longest);
    Duration::from_millis(rand::random_range(ceiling / 2..=ceiling))
}

fn rfc3339(at_ms: f64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(at_ms / 1e3);
    humantime::format_rfc3339_millis(at).to_string()
}

/// Body of a response; fails after a silence longer than any working stream's.
fn alive(answer: Response) -> BoxStream<'static, io::Result<bytes::Bytes>> {
    let bytes = answer.bytes_stream().boxed();
    let guarded = unfold(Some(bytes), async |bytes| {
        let mut bytes = bytes?;
        match timeout(SILENCE, bytes.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(bytes))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(None) => None,
            Err(silent) => Some((Err(silent.into()), None)),
        }
    });
    guarded.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_does_depends_on_the_seed_alone() {
        let all = |seed| (0..200).map(|job| Whims::of(seed, job)).collect::<Vec<_>>();
        assert_eq!(all(7), all(7));
        let repeats = all(7).iter().filter(|whims| whims.repeat).count();
        assert!((5..40).contains(&repeats), "{repeats} of 200");
    }

    #[test]
    fn traces_of_jobs_differ() {
        assert_eq!(trace_id(7, 0), "00000000000000080000000000000001");
        assert_ne!(trace_id(7, 0), trace_id(7, 1));
    }

    #[test]
    fn a_refusal_is_final_and_an_overload_is_not() {
        assert!(is_final(StatusCode::UNPROCESSABLE_ENTITY));
        assert!(!is_final(StatusCode::TOO_MANY_REQUESTS));
        assert!(!is_final(StatusCode::SERVICE_UNAVAILABLE));
    }
}
