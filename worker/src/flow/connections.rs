//! Connection pool of one instance: one connection for each concurrent request. Pure.
//!
//! Several processes may share an instance's port (`uvicorn --workers 4`). The kernel assigns each connection to one of
//! them at random, for its lifetime, without telling which. A connection that is much slower than the fastest leads to
//! an overloaded process: it is closed, and its successor may reach another one, until each process has its share.

use std::time::Duration;

use tokio::time::Instant;

/// Multiple of the fastest response time above which a connection is slow.
const SLOW: f64 = 1.5;
/// Factor by which the fastest response time grows with every response, so that old measurements are forgotten.
const FORGETTING: f64 = 1.01;
/// Least time between two closings, in fastest response times: earlier requests still reflect the old distribution.
const SETTLING: u32 = 2;
/// Most idle connections that are kept.
const KEPT: usize = 64;

/// Idle connections of type `C`, and the response times that tell slow ones.
#[derive(Debug)]
pub struct Connections<C> {
    idle: Vec<C>,
    fastest: Option<Duration>,
    closed_at: Option<Instant>,
}

impl<C> Default for Connections<C> {
    fn default() -> Self {
        Self { idle: Vec::new(), fastest: None, closed_at: None }
    }
}

impl<C> Connections<C> {
    /// Takes the most recently used idle connection; `None` if none is idle.
    pub fn take(&mut self) -> Option<C> {
        self.idle.pop()
    }

    /// Returns a connection to the pool, or closes it if it is slow. `took` is the response time, `None` for an
    /// instance that reports how long requests wait.
    pub fn give_back(&mut self, now: Instant, connection: C, took: Option<Duration>) {
        let slow = took.is_some_and(|took| self.is_slow(now, took));
        if !slow && self.idle.len() < KEPT {
            self.idle.push(connection);
        }
    }

    fn is_slow(&mut self, now: Instant, took: Duration) -> bool {
        let fastest = self.fastest.map_or(took, |fastest| fastest.mul_f64(FORGETTING).min(took));
        self.fastest = Some(fastest);
        let settled = self
            .closed_at
            .is_none_or(|closed_at| now.duration_since(closed_at) >= fastest * SETTLING);
        let slow = settled && took > fastest.mul_f64(SLOW);
        if slow {
            self.closed_at = Some(now);
        }
        slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Duration = Duration::from_secs(1);

    #[test]
    fn a_connection_serves_again() {
        let mut connections = Connections::default();
        assert_eq!(connections.take(), None);
        connections.give_back(Instant::now(), 7, Some(SERVICE));
        assert_eq!(connections.take(), Some(7));
    }

    #[test]
    fn one_slow_connection_at_a_time_is_closed() {
        let (mut connections, now) = (Connections::default(), Instant::now());
        connections.give_back(now, 1, Some(SERVICE));
        connections.give_back(now, 2, Some(SERVICE * 2));
        connections.give_back(now, 3, Some(SERVICE * 2));
        assert_eq!((connections.take(), connections.take()), (Some(3), Some(1)));
        connections.give_back(now + SERVICE * 3, 3, Some(SERVICE * 2));
        assert_eq!(connections.take(), None);
    }

    #[test]
    fn an_analyzer_that_gets_slower_is_not_slow_for_ever() {
        let (mut connections, mut now) = (Connections::default(), Instant::now());
        connections.give_back(now, 0, Some(SERVICE));
        let closed = (0..200).filter(|_| {
            let connection = connections.take().unwrap_or_default();
            now += SERVICE * 3;
            connections.give_back(now, connection, Some(SERVICE * 3));
            connections.idle.is_empty()
        });
        assert!(closed.count() < 120);
        assert_eq!(connections.take(), Some(0));
    }

    #[test]
    fn who_tells_how_long_a_request_waited_is_not_judged() {
        let (mut connections, now) = (Connections::default(), Instant::now());
        connections.give_back(now, 1, Some(SERVICE));
        connections.give_back(now, 2, None);
        assert_eq!(connections.take(), Some(2));
    }
}
