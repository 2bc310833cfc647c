//! Connections to one instance, one for each request that is there at a time. Pure.
//!
//! Several processes may share an instance's port (`uvicorn --workers 4`). The kernel gives each connection to one of them
//! by chance, for as long as it lives, and nobody tells to which. A connection that takes much longer than the fastest has
//! a process with too much to do: it is closed, and the next may be luckier, until each process has its share.

use std::time::Duration;

use tokio::time::Instant;

/// A connection that takes so many times as long as the fastest is unlucky.
const SLOW: f64 = 1.5;
/// How fast the fastest time is forgotten, with every answer.
const FORGETTING: f64 = 1.01;
/// From one closing to the next, in fastest times: what had been sent before still shows how it was.
const SETTLING: u32 = 2;
/// Idle connections that are kept.
const KEPT: usize = 64;

/// The idle ones, and what tells their luck.
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
    /// The one used last, if any is idle.
    pub fn take(&mut self) -> Option<C> {
        self.idle.pop()
    }

    /// Takes one back, or drops it. `took`: how long its answer took, where nobody tells how long the request waited.
    pub fn give_back(&mut self, now: Instant, connection: C, took: Option<Duration>) {
        let unlucky = took.is_some_and(|took| self.is_unlucky(now, took));
        if !unlucky && self.idle.len() < KEPT {
            self.idle.push(connection);
        }
    }

    fn is_unlucky(&mut self, now: Instant, took: Duration) -> bool {
        let fastest = self.fastest.map_or(took, |fastest| fastest.mul_f64(FORGETTING).min(took));
        self.fastest = Some(fastest);
        let settled = self
            .closed_at
            .is_none_or(|closed_at| now.duration_since(closed_at) >= fastest * SETTLING);
        let unlucky = settled && took > fastest.mul_f64(SLOW);
        if unlucky {
            self.closed_at = Some(now);
        }
        unlucky
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
    fn an_analyzer_that_gets_slower_is_not_unlucky_for_ever() {
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
