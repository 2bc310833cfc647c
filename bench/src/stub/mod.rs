//! Stub analyzer: the HTTP contract of the real one, with configurable capacity, and a record of its use.

pub mod calls;
pub mod gate;
pub mod http;
mod misbehaviour;
pub mod record;
mod server;
pub mod service;
mod visit;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

pub use self::server::Stub;

use self::calls::{Call, CallLog};
use self::gate::{Line, waiters};
use self::record::{Clock, Record, Sample};
use self::service::Variation;

/// Settings of a stub; all of them can be changed while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Photos processed at once, over all queues.
    pub slots: usize,
    /// Mean time of one photo on an unloaded slot, in milliseconds.
    pub service_ms: f64,
    /// Distribution of the service times.
    pub variation: Variation,
    /// If set, all requests inside run at once, each the slower the more there are. With headers the gate limits the
    /// number, so that nothing degrades.
    pub degrade: bool,
    /// If set, the stub limits itself with a gate and reports its capacity. Otherwise it accepts everything and reports
    /// nothing.
    pub headers: bool,
    /// Processes behind the one port, each with its own queue and an equal part of the slots. Each connection is
    /// assigned to one of them at random.
    pub lanes: usize,
    /// Behaviour of the responses.
    pub health: Health,
}

/// Behaviour of a stub's responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// Responds correctly.
    Up,
    /// Accepts requests and never responds.
    Hanging,
    /// Refuses connections, and has cut the existing ones.
    Down,
    /// Responds with 500 at once.
    Failing,
    /// Responds with 503 at once, without `Retry-After`.
    Refusing,
    /// Responds with 200 and a body that is not JSON.
    Garbage,
    /// Responds with 200 and an HTML page.
    WrongType,
    /// Breaks off in the middle of the response.
    Truncated,
    /// Sends the response byte by byte, for longer than any client's timeout.
    Trickling,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: 4,
            service_ms: 500.0,
            variation: Variation::Fixed,
            degrade: false,
            headers: true,
            lanes: 1,
            health: Health::Up,
        }
    }
}

impl Settings {
    /// True if requests share the slots instead of queueing for them.
    fn shares(&self) -> bool {
        self.degrade && !self.headers
    }

    /// Number of slots of each lane, and of the requests that may be queued at it.
    fn lane_size(&self) -> (usize, Option<usize>) {
        let slots = (self.slots / self.lanes.max(1)).max(1);
        if self.shares() {
            return (usize::MAX, None);
        }
        (slots, self.headers.then(|| waiters(slots)))
    }
}

type Ticket = oneshot::Sender<()>;

/// State of a stub.
#[derive(Debug)]
struct Core {
    settings: Settings,
    lines: Vec<Line<Ticket>>,
    /// Time since which each idle slot of a lane has been idle, the longest first.
    freed: Vec<VecDeque<f64>>,
    record: Record,
    next_id: u64,
}

/// State of a stub, shared by its connections.
#[derive(Debug)]
struct Shared {
    core: Mutex<Core>,
    clock: Clock,
    instance: String,
    hanging: watch::Sender<bool>,
    calls: Option<CallLog>,
}

impl Shared {
    fn new(settings: Settings, calls: Option<CallLog>) -> Arc<Self> {
        let core = Core {
            settings,
            lines: Vec::new(),
            freed: Vec::new(),
            record: Record::default(),
            next_id: 0,
        };
        let shared = Arc::new(Self {
            core: Mutex::new(core),
            clock: Clock::default(),
            instance: uuid::Uuid::new_v4().simple().to_string(),
            hanging: watch::channel(settings.health == Health::Hanging).0,
            calls,
        });
        shared.apply(settings);
        shared
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a call, if calls are logged.
    fn log(&self, trace_id: &str, answered: bool) {
        if let Some(calls) = &self.calls {
            let at_ms = self.clock.now_ms();
            calls.write(&Call { trace_id: trace_id.to_owned(), at_ms, answered });
        }
    }

    /// Changes the settings. Lanes are added, never removed: requests are queued at them.
    fn apply(&self, settings: Settings) {
        let mut core = self.lock();
        core.settings = settings;
        let (slots, bound) = settings.lane_size();
        while core.lines.len() < settings.lanes.max(1) {
            core.lines.push(Line::new(slots, bound));
            core.freed.push(VecDeque::new());
        }
        for line in &mut core.lines {
            for ticket in line.resize(slots, bound) {
                // A request that has left meanwhile gives the slot back by itself.
                ticket.send(()).ok();
            }
        }
        core.note(self.clock.now_ms());
        drop(core);
        self.hanging.send_replace(settings.health == Health::Hanging);
    }

    /// Resets the record.
    fn reset(&self) {
        let mut core = self.lock();
        core.record = Record::default();
        core.note(self.clock.now_ms());
    }
}

impl Core {
    /// Number of requests inside and of busy slots.
    fn usage(&self) -> (usize, usize) {
        let running = self.lines.iter().map(Line::busy).sum::<usize>();
        let waiting = self.lines.iter().map(Line::waiting).sum::<usize>();
        (running + waiting, running.min(self.settings.slots))
    }

    /// Frees a slot, for the next queued request if there is one.
    fn give_back(&mut self, lane: usize, now_ms: f64) {
        match self.lines[lane].finish() {
            // A request that has left meanwhile gives it back by itself.
            Some(next) => drop(next.send(())),
            None => self.freed[lane].push_back(now_ms),
        }
        // Slots may have been taken away.
        while self.freed[lane].len() > self.lines[lane].free() {
            self.freed[lane].pop_front();
        }
    }

    fn note(&mut self, at_ms: f64) {
        let (in_flight, busy) = self.usage();
        let slots = if self.settings.health == Health::Down { 0 } else { self.settings.slots };
        self.record.note(Sample { at_ms, in_flight, busy, slots });
    }
}
