//! People with tokens, and load by many of them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fill::id;
use crate::load::signer::Signer;
use crate::load::wire::Wire;
use crate::measure::percentiles::Sorted;
use crate::site::Site;

/// Failures that are kept for display.
const EXAMPLES: usize = 3;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: uuid::Uuid,
    pub(super) token: Arc<str>,
}

impl Person {
    /// Signs in the person with a number.
    pub(super) fn new(signer: &Signer, number: u64) -> anyhow::Result<Self> {
        Ok(Self { id: id(number), token: signer.token(id(number))?.into() })
    }
}

/// Many people.
#[derive(Debug, Clone)]
pub(super) struct Crowd(pub(super) Arc<[Person]>);

impl Crowd {
    /// Signs in everybody with these numbers.
    pub(super) async fn of(site: &Site, numbers: Range<u64>) -> anyhow::Result<Self> {
        let signer = Signer::of(&site.api).await?;
        let people: anyhow::Result<Vec<Person>> =
            numbers.map(|number| Person::new(&signer, number)).collect();
        Ok(Self(people?.into()))
    }

    /// The person whose turn is the `n`-th.
    pub(super) fn turn(&self, n: usize) -> &Person {
        &self.0[n % self.0.len()]
    }
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) token: Arc<str>,
    pub(super) body: Option<Value>,
}

impl Request {
    pub(super) fn new(method: Method, path: impl Into<String>, person: &Person) -> Self {
        Self { method, path: path.into(), token: Arc::clone(&person.token), body: None }
    }
}

/// What came of a load.
#[derive(Debug, Default)]
pub(super) struct Driven {
    /// When each successful request was sent, and the milliseconds until its answer.
    pub(super) times: Vec<(Instant, f64)>,
    pub(super) failures: usize,
    pub(super) examples: Vec<String>,
    pub(super) seconds: f64,
}

impl Driven {
    /// Milliseconds of the requests.
    pub(super) fn sorted(&self) -> Sorted {
        Sorted::new(self.times.iter().map(|(_, ms)| *ms))
    }

    /// Milliseconds of the requests that were sent within a time.
    pub(super) fn within(&self, from: Instant, to: Instant) -> Sorted {
        let during = self.times.iter().filter(|(sent, _)| (from..to).contains(sent));
        Sorted::new(during.map(|(_, ms)| *ms))
    }

    /// Requests a second.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
    pub(super) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.seconds
    }

    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.failures += other.failures;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }

    fn note(&mut self, failure: String) {
        self.failures += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(failure);
        }
    }
}

/// A token that is cancelled after a time.
pub(super) fn after(duration: Duration) -> CancellationToken {
    let token = CancellationToken::new();
    let over = token.clone();
    TaskTracker::new().spawn(async move {
        sleep(duration).await;
        over.cancel();
    });
    token
}

/// Load of `clients` connections until `over`: each sends the request that `next` names for its turn, one after the other.
/// With a `pause`, one at each of its ends, however long the answers take; its time begins when it was due.
pub(super) async fn drive(
    base: &str,
    clients: u32,
    over: &CancellationToken,
    pause: Option<Duration>,
    next: impl Fn(usize) -> Request + Send + Sync + 'static,
) -> anyhow::Result<Driven> {
    let (begun, next) = (Instant::now(), Arc::new(next));
    let mut all = JoinSet::new();
    for client in 0..clients {
        let (wire, next, over) = (Wire::new(base), Arc::clone(&next), over.clone());
        let first = usize::try_from(client)?;
        let turns = (first..).step_by(usize::try_from(clients)?).map(move |turn| next(turn));
        let due = pause.map(|pause| (begun + pause * client / clients, pause));
        all.spawn(one(wire, turns, over, due));
    }
    let mut driven = Driven::default();
    while let Some(ended) = all.join_next().await {
        driven.add(ended?);
    }
    driven.seconds = begun.elapsed().as_secs_f64();
    Ok(driven)
}

/// One connection's requests; `due`: when the first one is, and the time between two.
async fn one(
    mut wire: Wire,
    requests: impl Iterator<Item = Request>,
    over: CancellationToken,
    mut due: Option<(Instant, Duration)>,
) -> Driven {
    let mut driven = Driven::default();
    for Request { method, path, token, body } in requests {
        let mut sent = Instant::now();
        if let Some((moment, pause)) = &mut due {
            sleep_until(*moment).await;
            sent = *moment;
            *moment += *pause;
        }
        if over.is_cancelled() {
            break;
        }
        match wire.ask(method, &path, &token, body.as_ref()).await {
            Ok(reply) if reply.status.is_success() => {
                driven.times.push((sent, sent.elapsed().as_secs_f64() * 1e3));
            }
            Ok(reply) => driven.note(format!("{path}: {}", reply.status)),
            Err(error) => driven.note(format!("{path}: {error:#}")),
        }
    }
    driven
}
