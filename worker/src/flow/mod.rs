//! Flow control: jobs start at exactly the rate that the analyzers can sustain, whatever their capacity and however
//! many workers there are, with nothing to tune.
//!
//! All decisions are pure (`limit`, `learn`, `connections`, `breaker`, `instance`, `admission`, `window`); this file
//! feeds them with events and the clock, `sharing` exchanges leases through Redis, `endpoints` discovers the instances.

pub mod admission;
mod breaker;
pub mod connections;
pub(crate) mod endpoints;
pub mod instance;
pub mod learn;
pub mod limit;
pub mod sharing;
mod view;
pub(crate) mod window;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{counter, histogram};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use toneup_colour::result::Model;
use toneup_jobs::run::Window;
use toneup_operate::replicas::WorkerLoad;
use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{self as pubsub, REDIS_TIMEOUT};
use toneup_platform::shutdown::Shutdown;

use self::admission::{Admission, InstanceId, Start};
use self::endpoints::{Endpoint, Endpoints};
use self::instance::Ended;
use self::sharing::{LEASE, Message, Name, Sharing, Ticket};
use self::view::Exported;
use self::window::WindowSetter;
use crate::config::AnalyzerConfig;

/// Interval of the exchanges with Redis while nothing changes: leases are renewed three times in their lifetime.
const RENEWAL: Duration = Duration::from_secs(3);
/// Interval of the exchanges of a replica without jobs and leases: they only keep the published capacity alive.
const IDLE_RENEWAL: Duration = Duration::from_secs(45);
/// Interval of the exchanges while jobs wait, which also finds grants whose message was lost.
const WAITING: Duration = Duration::from_secs(1);
/// Interval of the exchanges while jobs wait and the subscription is not back yet after an outage of Redis.
const UNSUBSCRIBED: Duration = Duration::from_millis(100);
/// Interval of the resolution of the analyzers' addresses.
const RESOLVE: Duration = Duration::from_secs(30);

/// Admits jobs to analyzers. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Flow(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Wakes the timer: the time at which the next job may start has changed.
    changed: Notify,
    /// Requests an exchange with Redis.
    exchange: Notify,
    sharing: Sharing,
    /// Models of the instances as of the last health requests.
    models: watch::Sender<Arc<BTreeSet<Model>>>,
}

#[derive(Debug)]
struct State {
    admission: Admission,
    endpoints: HashMap<InstanceId, Arc<Endpoint>>,
    /// Jobs waiting for a permit, with the time at which each arrived.
    starting: HashMap<Ticket, (oneshot::Sender<Permit>, Instant)>,
    window: WindowSetter,
    exported: Exported,
    tickets: u64,
}

impl Flow {
    /// Starts the discovery of instances and the sharing of leases. The returned window sets how many jobs to consume.
    pub(crate) fn spawn(
        analyzers: &AnalyzerConfig,
        redis: &RedisConfig,
        shutdown: &Shutdown,
    ) -> anyhow::Result<(Self, Window)> {
        let (setter, window) = WindowSetter::new();
        let state = State {
            admission: Admission::default(),
            endpoints: HashMap::new(),
            starting: HashMap::new(),
            window: setter,
            exported: Exported::default(),
            tickets: 0,
        };
        let flow = Self(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Notify::new(),
            exchange: Notify::new(),
            sharing: Sharing::new(redis)?,
            models: watch::Sender::default(),
        }));
        let Shutdown { draining, tasks, .. } = shutdown;
        let endpoints = Endpoints::new(analyzers);
        tasks.spawn(flow.clone().find_instances(endpoints, draining.clone()));
        tasks.spawn(flow.clone().keep_time(draining.clone()));
        let (connected, subscribed) = watch::channel(false);
        tasks.spawn(flow.clone().share(subscribed, draining.clone()));
        let (receiver, channels) = (flow.clone(), flow.0.sharing.channels());
        let listening =
            pubsub::listen(redis.clone(), channels, connected, draining.clone(), move |payload| {
                receiver.receive(payload);
            });
        tasks.spawn(listening);
        Ok((flow, window))
    }

    /// Waits until it is the job's turn and an analyzer has a free slot. Dropping the future leaves the queue.
    pub(crate) async fn admit(&self) -> Permit {
        let (starting, mut started) = oneshot::channel();
        let ticket = {
            let mut state = self.lock();
            state.tickets += 1;
            let ticket = self.0.sharing.ticket(state.tickets);
            state.starting.insert(ticket.clone(), (starting, Instant::now()));
            state.admission.join(ticket.clone());
            self.dispatch(&mut state);
            ticket
        };
        let _leaving = QueueGuard { flow: self, ticket };
        match (&mut started).await {
            Ok(permit) => permit,
            // The sender lives as long as the ticket is queued, and this future keeps it queued.
            Err(_) => std::future::pending().await,
        }
    }

    /// Models of the analyzers as reported within the last half minute.
    pub(crate) fn models(&self) -> Arc<BTreeSet<Model>> {
        Arc::clone(&self.0.models.borrow())
    }

    /// Starts every job that may start.
    fn dispatch(&self, state: &mut State) {
        let now = Instant::now();
        while let Some(start) = state.admission.next(now) {
            let endpoint = state.endpoints.get(&start.instance).cloned();
            let (Some((starting, since)), Some(endpoint)) =
                (state.starting.remove(&start.ticket), endpoint)
            else {
                state.admission.ended(now, &start, Duration::ZERO, Ended::Abandoned, 0.0);
                continue;
            };
            let permit = Permit {
                flow: self.clone(),
                endpoint,
                start,
                began: now,
                waited: now - since,
                ended: false,
            };
            // If the job has gone meanwhile, the permit comes back; dropping it would take this lock again.
            if let Err(permit) = starting.send(permit) {
                permit.abandon(state);
            }
        }
        state.window.follow(now, state.admission.limit());
        state.export();
        if state.admission.wants_exchange(now) {
            self.0.exchange.notify_one();
        }
        self.0.changed.notify_one();
    }

    /// Load of this worker, for operators.
    pub(crate) fn load(&self) -> WorkerLoad {
        self.lock().load()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, payload: &[u8]) {
        let mut state = self.lock();
        match self.0.sharing.parse(payload) {
            Message::Granted(lease) => state.admission.grant(lease),
            // A spare lease is given back by the exchange that this makes due; who holds none has nothing to say.
            Message::Wanted => state.admission.wanted(),
            Message::FromUs => return,
        }
        self.dispatch(&mut state);
    }

    /// Keeps the set of instances up to date with DNS.
    async fn find_instances(self, mut endpoints: Endpoints, draining: CancellationToken) {
        loop {
            let found = endpoints.resolve().await;
            let introductions = endpoints.introductions().await;
            let models = Arc::new(endpoints.models());
            self.0.models.send_replace(Arc::clone(&models));
            let pause = if found.is_empty() { WAITING } else { RESOLVE };
            {
                let mut state = self.lock();
                let live: BTreeMap<InstanceId, Name> =
                    found.iter().map(|(id, endpoint)| (*id, endpoint.name.clone())).collect();
                state.admission.set_instances(live);
                for (id, signals) in introductions {
                    state.admission.introduced(id, signals);
                }
                state.endpoints = found;
                self.dispatch(&mut state);
            }
            if let Err(error) = self.0.sharing.publish_models(&models, 3 * RESOLVE).await {
                tracing::debug!(%error, "cannot publish the analyzers' models");
            }
            if draining.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Starts jobs when a pause or a breaker's delay ends.
    async fn keep_time(self, draining: CancellationToken) {
        const IDLE: Duration = Duration::from_mins(1);
        while !draining.is_cancelled() {
            let now = Instant::now();
            let opens_at = self.lock().admission.opens_at(now).unwrap_or(now + IDLE);
            tokio::select! {
                () = sleep_until(opens_at) => {
                    let mut state = self.lock();
                    self.dispatch(&mut state);
                }
                () = self.0.changed.notified() => {}
                () = draining.cancelled() => {}
            }
        }
    }

    /// Longest time until the next exchange.
    fn pause(&self, subscribed: bool) -> Duration {
        let state = self.lock();
        match (state.admission.is_waiting(), state.admission.is_connected() && !subscribed) {
            (false, _) if state.admission.is_idle() => IDLE_RENEWAL,
            (false, _) => RENEWAL,
            (true, false) => WAITING,
            (true, true) => UNSUBSCRIBED,
        }
    }

    /// Exchanges state with Redis when it has changed, and often enough to renew the leases. While draining it
    /// continues until every lease is given back.
    async fn share(self, subscribed: watch::Receiver<bool>, draining: CancellationToken) {
        let mut last = Instant::now();
        loop {
            let pause = self.pause(*subscribed.borrow());
            tokio::select! {
                () = self.0.exchange.notified() => {}
                () = sleep_until(last + pause) => {}
                () = draining.cancelled(), if !draining.is_cancelled() => {}
            }
            last = Instant::now();
            let exchange = {
                let mut state = self.lock();
                if draining.is_cancelled() {
                    state.admission.wanted();
                }
                state.admission.exchange(last)
            };
            let idle = exchange.used.is_empty() && exchange.waiting.is_empty();
            let granted = timeout(REDIS_TIMEOUT, self.0.sharing.exchange(&exchange)).await;
            {
                let mut state = self.lock();
                match granted {
                    Ok(Ok(granted)) => state.admission.granted(granted),
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "cannot share leases; the analyzers limit their load themselves");
                        state.admission.disconnected(exchange);
                    }
                    Err(_) => state.admission.disconnected(exchange),
                }
                self.dispatch(&mut state);
            }
            if draining.is_cancelled() && idle {
                return;
            }
        }
    }
}

/// Removes the job from the queue when its wait ends, including by cancellation.
struct QueueGuard<'a> {
    flow: &'a Flow,
    ticket: Ticket,
}

impl Drop for QueueGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.flow.lock();
        if state.starting.remove(&self.ticket).is_some() {
            state.admission.leave(&self.ticket);
            self.flow.dispatch(&mut state);
        }
    }
}

/// Permission to send one request to one instance.
#[derive(Debug)]
pub(crate) struct Permit {
    flow: Flow,
    endpoint: Arc<Endpoint>,
    start: Start,
    began: Instant,
    /// Time that the job had waited for the permit.
    waited: Duration,
    ended: bool,
}

impl Permit {
    /// Instance that the request goes to.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Reports how the request ended; `true` if the instance is considered unavailable, so that a failure is not the
    /// job's.
    pub(crate) fn end(mut self, ended: Ended) -> bool {
        self.ended = true;
        let mut state = self.flow.lock();
        self.record(&mut state, ended)
    }

    fn record(&self, state: &mut State, ended: Ended) -> bool {
        let now = Instant::now();
        let elapsed = now.duration_since(self.began);
        let ended = match ended {
            Ended::Answered(signals) => {
                Ended::Answered(signals.map(|signals| signals.capped_by_wait(self.waited)))
            }
            other => other,
        };
        let instance = self.endpoint.label.clone();
        counter!("toneup_analyzer_answers_total", "instance" => instance, "outcome" => ended.as_str())
            .increment(1);
        if let Ended::Answered(_) = ended {
            histogram!("toneup_analyze_seconds").record(elapsed);
        }
        let away = state.admission.ended(now, &self.start, elapsed, ended, rand::random());
        self.flow.dispatch(state);
        away
    }

    /// Ends the permit unused, under the caller's lock.
    fn abandon(mut self, state: &mut State) {
        self.ended = true;
        let now = Instant::now();
        state.admission.ended(now, &self.start, Duration::ZERO, Ended::Abandoned, 0.0);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.ended {
            let mut state = self.flow.lock();
            self.record(&mut state, Ended::Abandoned);
        }
    }
}

const _: () =
    assert!(LEASE.as_secs() > 3 * RENEWAL.as_secs() - 1, "a lease outlives lost renewals");
