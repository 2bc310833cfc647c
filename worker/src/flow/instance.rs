//! State of one analyzer instance as this worker sees it: limit, breaker, requests in flight. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::breaker::{Breaker, Health};
use super::limit::{Limit, Signals};

/// Weight of the newest response in the moving average of response times.
const SMOOTHING: f64 = 0.2;
/// Response times after which an abandoned request is evidence that the instance hangs.
const OVERDUE_RESPONSES: u32 = 4;
/// The same for an instance that has not answered yet.
const OVERDUE: Duration = Duration::from_secs(10);

/// Limit, breaker and load of one instance.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    limit: Limit,
    breaker: Breaker,
    in_flight: u32,
    paused_until: Option<Instant>,
    /// Moving average of the time until a response; `None` before the first.
    response: Option<Duration>,
    /// Free slots as of the last response, minus the requests sent since.
    free: u32,
}

/// Outcome of a request to an instance, as flow control sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A response about the photo, and the capacity it reported, if any.
    Answered(Option<Signals>),
    /// Refused for overload; the instance wants a pause of this length.
    Busy(Duration),
    /// A failure whose cause may be the photo.
    Failed,
    /// The connection could not be established.
    Unreachable,
    /// Given up by this worker, for example because the job was cancelled.
    Abandoned,
}

impl Ended {
    /// Value of the metrics' label `outcome`.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Busy(_) => "busy",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Instance {
    /// An instance of unknown capacity.
    pub(crate) fn new() -> Self {
        Self {
            limit: Limit::Unknown,
            breaker: Breaker::default(),
            in_flight: 0,
            paused_until: None,
            response: None,
            free: 0,
        }
    }

    /// Records the capacity that the instance reported before its first job.
    pub(crate) fn introduced(&mut self, signals: Signals) {
        self.free = signals.free;
        self.limit.introduced(signals);
    }

    /// Requests of this worker at the instance.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Limit of this worker's concurrent requests. While leases are shared it is the instance's whole capacity, since
    /// the leases divide it among the replicas.
    pub(crate) fn limit(&self, shared: bool) -> u32 {
        let places = self.limit.places().filter(|_| shared);
        if self.breaker.is_open() { 1 } else { places.unwrap_or(self.limit.get()) }
    }

    /// Falls back to a local limit when Redis is lost; see [`Limit::alone`].
    pub(crate) fn alone(&mut self) {
        self.limit.alone(self.in_flight);
    }

    /// Slots that the instance reports; `None` if it reports none.
    pub(crate) fn slots(&self) -> Option<u32> {
        self.limit.slots()
    }

    /// Limit of the concurrent requests of all replicas together; `None` while the instance accepts none or reports no
    /// capacity.
    pub(crate) fn places(&self, now: Instant) -> Option<u32> {
        let paused = self.paused_until.is_some_and(|until| now < until);
        if paused || self.is_away() { None } else { self.limit.places() }
    }

    /// True if the limit is learned from throughput.
    pub(crate) fn is_learned(&self) -> bool {
        matches!(self.limit, Limit::Learned(_))
    }

    /// True while the breaker is open: a failure is then not the job's.
    pub(crate) fn is_away(&self) -> bool {
        self.breaker.is_open()
    }

    /// Number of further requests that may be sent now.
    pub(crate) fn room(&self, now: Instant, shared: bool) -> u32 {
        let waits = |until: Option<Instant>| until.is_some_and(|until| now < until);
        if waits(self.paused_until) || waits(self.breaker.probe_at()) {
            return 0;
        }
        self.limit(shared).saturating_sub(self.in_flight)
    }

    /// End of the current pause or of the breaker's delay; `None` if neither is running.
    pub(crate) fn opens_at(&self, now: Instant) -> Option<Instant> {
        let later = |until: &Instant| *until > now;
        self.paused_until.into_iter().chain(self.breaker.probe_at()).filter(later).max()
    }

    /// Sort key of the choice of an instance: most free slots, then most remaining requests.
    pub(crate) fn preference(&self, now: Instant, shared: bool) -> (u32, u32) {
        (self.free, self.room(now, shared))
    }

    /// Records that a request is sent; `true` if it brings this worker to its limit.
    pub(crate) fn started(&mut self, shared: bool) -> bool {
        self.in_flight += 1;
        self.free = self.free.saturating_sub(1);
        self.in_flight >= self.limit(shared)
    }

    /// Records how a request ended after `elapsed`; see [`Limit::answered`] for `full` and `shared`,
    /// [`Breaker::record`] for `jitter`.
    pub(crate) fn ended(
        &mut self,
        now: Instant,
        elapsed: Duration,
        ended: Ended,
        full: bool,
        shared: bool,
        jitter: f64,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let health = match ended {
            Ended::Answered(signals) => {
                self.free = signals.map_or(0, |signals| signals.free);
                self.limit.answered(now, elapsed, signals, full, shared);
                let known = self.response.unwrap_or(elapsed);
                self.response = Some(known.mul_f64(1.0 - SMOOTHING) + elapsed.mul_f64(SMOOTHING));
                Health::Answered
            }
            Ended::Busy(pause) => {
                self.free = 0;
                self.limit.refused(now);
                self.paused_until = Some(now + pause.mul_f64(1.0 + jitter / 2.0));
                Health::Answered
            }
            Ended::Failed => Health::Failed,
            Ended::Unreachable => {
                self.free = 0;
                Health::Unreachable
            }
            // Jobs may have deadlines so short that no request ever times out by itself.
            Ended::Abandoned if elapsed >= self.overdue() => Health::Failed,
            Ended::Abandoned => return,
        };
        self.breaker.record(now, health, jitter);
    }

    /// Time without a response after which an abandoned request counts as failed.
    fn overdue(&self) -> Duration {
        self.response.map_or(OVERDUE, |response| (response * OVERDUE_RESPONSES).min(OVERDUE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn answered(free: u32) -> Ended {
        Ended::Answered(Some(Signals { slots: 4, free, waited: Duration::ZERO, idle: None }))
    }

    #[test]
    fn an_instance_that_is_away_gets_one_probe_at_a_time() {
        let (mut instance, now) = (Instance::new(), Instant::now());
        instance.started(true);
        instance.ended(now, SECOND, answered(4), true, true, 0.0);
        assert_eq!(instance.room(now, true), 5);
        instance.started(true);
        instance.ended(now, SECOND, Ended::Unreachable, false, true, 0.0);
        assert!(instance.is_away());
        assert_eq!(instance.room(now, true), 0);
        let later = instance.opens_at(now).unwrap();
        assert_eq!(instance.room(later, true), 1);
        instance.started(true);
        assert_eq!(instance.room(later, true), 0);
        instance.ended(later, SECOND, answered(4), true, true, 0.0);
        assert_eq!(instance.room(later, true), 5, "as before the outage");
    }

    #[test]
    fn a_refusal_pauses_the_instance() {
        let (mut instance, now) = (Instance::new(), Instant::now());
        instance.started(true);
        instance.ended(now, SECOND, Ended::Busy(SECOND), true, true, 0.0);
        assert_eq!(instance.room(now, true), 0);
        assert_eq!(instance.room(now + SECOND, true), 1);
        assert!(!instance.is_away());
    }

    #[test]
    fn an_instance_that_hangs_is_noticed_although_every_request_is_abandoned_first() {
        let (mut instance, now) = (Instance::new(), Instant::now());
        instance.started(true);
        instance.ended(now, SECOND, answered(4), true, true, 0.0);
        for _ in 0..3 {
            assert!(!instance.is_away());
            instance.started(true);
            instance.ended(now, SECOND * 4, Ended::Abandoned, true, true, 0.0);
        }
        assert!(instance.is_away());
    }

    #[test]
    fn what_we_gave_up_on_says_nothing_about_the_instance() {
        let (mut instance, now) = (Instance::new(), Instant::now());
        instance.started(true);
        instance.ended(now, SECOND, Ended::Abandoned, true, true, 0.0);
        assert_eq!((instance.in_flight(), instance.room(now, true)), (0, 1));
    }
}
