//! One queue of a stub: slots, waiting requests and refusals. Pure: no clock, no locks.

use std::collections::VecDeque;

/// Outcome of a request for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// The request has a slot.
    Started,
    /// The request is queued; its ticket is returned by [`Line::finish`] or [`Line::resize`] when its turn has come.
    Waits,
    /// The queue is full.
    Refused,
}

/// Slots and the queue in front of them, first in, first out.
#[derive(Debug)]
pub struct Line<T> {
    slots: usize,
    bound: Option<usize>,
    busy: usize,
    waiting: VecDeque<(u64, T)>,
}

/// Most requests queued at a self-limiting analyzer with so many slots.
pub fn waiters(slots: usize) -> usize {
    slots.max(2)
}

impl<T> Line<T> {
    /// Creates a queue for `slots` slots in which at most `bound` requests wait; `None`: any number.
    pub fn new(slots: usize, bound: Option<usize>) -> Self {
        Self { slots, bound, busy: 0, waiting: VecDeque::new() }
    }

    /// Number of busy slots.
    pub fn busy(&self) -> usize {
        self.busy
    }

    /// Number of slots that could start at once.
    pub fn free(&self) -> usize {
        self.slots.saturating_sub(self.busy)
    }

    /// Number of queued requests.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Requests a slot for `id`; `ticket` is returned when its turn comes.
    pub fn join(&mut self, id: u64, ticket: T) -> Joined {
        if self.free() > 0 && self.waiting.is_empty() {
            self.busy += 1;
            return Joined::Started;
        }
        if self.bound.is_some_and(|bound| self.waiting.len() >= bound) {
            return Joined::Refused;
        }
        self.waiting.push_back((id, ticket));
        Joined::Waits
    }

    /// Frees a slot; returns the ticket whose turn it is now.
    pub fn finish(&mut self) -> Option<T> {
        self.busy = self.busy.saturating_sub(1);
        self.next()
    }

    /// Leaves the queue; `false` if the request is not in it (any more).
    pub fn leave(&mut self, id: u64) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != id);
        self.waiting.len() < before
    }

    /// Changes the number of slots; returns the tickets whose turn it is now. Busy slots beyond the new number finish
    /// their work.
    pub fn resize(&mut self, slots: usize, bound: Option<usize>) -> Vec<T> {
        self.slots = slots;
        self.bound = bound;
        std::iter::from_fn(|| self.next()).collect()
    }

    fn next(&mut self) -> Option<T> {
        if self.free() == 0 {
            return None;
        }
        let (_, ticket) = self.waiting.pop_front()?;
        self.busy += 1;
        Some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_given_in_order_of_arrival() {
        let mut line = Line::new(1, None);
        assert_eq!(line.join(1, 'a'), Joined::Started);
        assert_eq!(line.join(2, 'b'), Joined::Waits);
        assert_eq!(line.join(3, 'c'), Joined::Waits);
        assert_eq!(line.finish(), Some('b'));
        assert_eq!(line.finish(), Some('c'));
        assert_eq!(line.finish(), None);
        assert_eq!((line.busy(), line.free(), line.waiting()), (0, 1, 0));
    }

    #[test]
    fn beyond_the_waiters_requests_are_refused() {
        let mut line = Line::new(1, Some(waiters(1)));
        let joined: Vec<_> = (0..4).map(|id| line.join(id, ())).collect();
        assert_eq!(joined, [Joined::Started, Joined::Waits, Joined::Waits, Joined::Refused]);
    }

    #[test]
    fn who_leaves_is_skipped() {
        let mut line = Line::new(1, None);
        for id in 1..=3 {
            line.join(id, id);
        }
        assert!(line.leave(2));
        assert!(!line.leave(1), "it has a slot");
        assert_eq!(line.finish(), Some(3));
    }

    #[test]
    fn more_slots_start_those_who_wait_and_fewer_let_running_ones_finish() {
        let mut line = Line::new(1, None);
        for id in 0..4 {
            line.join(id, id);
        }
        assert_eq!(line.resize(3, None), [1, 2]);
        assert_eq!(line.resize(1, None).len(), 0);
        assert_eq!((line.finish(), line.finish()), (None, None), "two more than there are slots");
        assert_eq!(line.finish(), Some(3));
    }
}
