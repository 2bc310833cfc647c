//! How much work is taken, and where it goes: at exactly the rate the analyzers can sustain, whatever their capacity and
//! however many workers there are, with nothing tuned by hand.
//!
//! Everything that decides is pure (`limit`, `learn`, `connections`, `breaker`, `instance`, `admission`, `window`); this file feeds it
//! with events and the clock, `sharing` speaks to Redis, `endpoints` finds the instances.

mod admission;
mod breaker;
mod connections;
pub(crate) mod endpoints;
pub(crate) mod instance;
mod learn;
pub(crate) mod limit;
mod sharing;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod together;
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
use self::sharing::{Heard, LEASE, Name, Sharing, Ticket};
use self::view::Exported;
use self::window::WindowSetter;
use crate::config::AnalyzerConfig;

/// Between exchanges with the shared truth when nothing calls for one: leases are renewed three times in their life.
const RENEWAL: Duration = Duration::from_secs(3);
/// Between exchanges while jobs wait: also what finds a grant whose message was lost.
const WAITING: Duration = Duration::from_secs(1);
/// The same while no message would come: Redis has returned, and the subscription has not yet.
const UNHEARD: Duration = Duration::from_millis(100);
/// Between looks for instances that came or went.
const RESOLVE: Duration = Duration::from_secs(30);

/// Admits jobs to analyzers. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Flow(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something may start now, or later than thought.
    changed: Notify,
    /// There is something to tell the other replicas.
    exchange: Notify,
    sharing: Sharing,
    /// The models that the instances answer with, as of the last look.
    models: watch::Sender<Arc<BTreeSet<Model>>>,
}

#[derive(Debug)]
struct State {
    admission: Admission,
    endpoints: HashMap<InstanceId, Arc<Endpoint>>,
    /// Who waits for a permit, and since when.
    starting: HashMap<Ticket, (oneshot::Sender<Permit>, Instant)>,
    window: WindowSetter,
    exported: Exported,
    tickets: u64,
}

impl Flow {
    /// Starts finding instances and sharing with the other replicas; says through the window how much to consume.
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
        let (heard, channels) = (flow.clone(), flow.0.sharing.channels());
        let listening =
            pubsub::listen(redis.clone(), channels, connected, draining.clone(), move |payload| {
                heard.hear(payload);
            });
        tasks.spawn(listening);
        Ok((flow, window))
    }

    /// Waits until it is the job's turn and an analyzer has room. Dropping the future leaves the line.
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
        let _leaving = InLine { flow: self, ticket };
        match (&mut started).await {
            Ok(permit) => permit,
            // The sender lives as long as the ticket is in line, and this future keeps it there.
            Err(_) => std::future::pending().await,
        }
    }

    /// The models that the analyzers answer with, as they said within the last half minute.
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
                at_hand: now - since,
                ended: false,
            };
            // Should the job have gone away, the permit comes back and ends itself; not under this lock.
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

    /// What this worker has in hand, for operators.
    pub(crate) fn load(&self) -> WorkerLoad {
        self.lock().load()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, payload: &[u8]) {
        let mut state = self.lock();
        match self.0.sharing.heard(payload) {
            Heard::Granted(lease) => state.admission.grant(lease),
            Heard::Wanted => {
                state.admission.wanted();
                self.0.exchange.notify_one();
            }
            Heard::Ourselves => return,
        }
        self.dispatch(&mut state);
    }

    /// Keeps the instances as the addresses resolve.
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
            if let Err(error) = self.0.sharing.tell_models(&models, 3 * RESOLVE).await {
                tracing::debug!(%error, "cannot tell the models");
            }
            if draining.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Starts jobs when a pause or a breaker's time is over.
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

    /// Until the next exchange that nothing calls for.
    fn pause(&self, subscribed: bool) -> Duration {
        let state = self.lock();
        match (state.admission.is_waiting(), state.admission.is_connected() && !subscribed) {
            (false, _) => RENEWAL,
            (true, false) => WAITING,
            (true, true) => UNHEARD,
        }
    }

    /// Exchanges with the other replicas when there is something to say, and often enough to keep the leases. On the way
    /// out it goes on until every lease is given back.
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
                        tracing::warn!(%error, "cannot share leases; the analyzers' gates remain");
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

/// Takes the job out of line when its wait ends, however it ends.
struct InLine<'a> {
    flow: &'a Flow,
    ticket: Ticket,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        let mut state = self.flow.lock();
        if state.starting.remove(&self.ticket).is_some() {
            state.admission.leave(&self.ticket);
            self.flow.dispatch(&mut state);
        }
    }
}

/// The right to send one request to one instance.
#[derive(Debug)]
pub(crate) struct Permit {
    flow: Flow,
    endpoint: Arc<Endpoint>,
    start: Start,
    began: Instant,
    /// How long the job had waited for it.
    at_hand: Duration,
    ended: bool,
}

impl Permit {
    /// Where the request goes.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Says how the exchange went; `true` if the instance is believed to be away, so that a failure was not the job's.
    pub(crate) fn end(mut self, ended: Ended) -> bool {
        self.ended = true;
        let mut state = self.flow.lock();
        self.tell(&mut state, ended)
    }

    fn tell(&self, state: &mut State, ended: Ended) -> bool {
        let now = Instant::now();
        let elapsed = now.duration_since(self.began);
        let ended = match ended {
            Ended::Answered(signals) => {
                Ended::Answered(signals.map(|signals| signals.at_hand_for(self.at_hand)))
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

    /// Ends unused, under the caller's lock.
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
            self.tell(&mut state, Ended::Abandoned);
        }
    }
}

const _: () =
    assert!(LEASE.as_secs() > 3 * RENEWAL.as_secs() - 1, "a lease outlives lost renewals");
