//! One request's passage through a stub; its slot is freed however it ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::Shared;
use super::gate::Joined;
use super::record::Answered;
use super::service::progress_rate;

/// Longest step while the speed may change.
const STEP: Duration = Duration::from_millis(10);

/// A request inside the stub.
#[derive(Debug)]
pub(super) struct Visit {
    shared: Arc<Shared>,
    id: u64,
    lane: usize,
    waiting: Option<oneshot::Receiver<()>>,
    arrived_ms: f64,
    started_ms: f64,
    idle_ms: f64,
    work_ms: f64,
    finished: bool,
}

/// Values of the response's headers, as of the moment the slot was freed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) slots: usize,
    pub(super) free: usize,
    pub(super) waited_ms: f64,
    pub(super) idle_ms: f64,
}

impl Visit {
    /// Requests a slot; `Err` with the delay to suggest, in milliseconds, if there is no room.
    pub(super) fn enter(shared: &Arc<Shared>, lane: usize, arrived_ms: f64) -> Result<Self, f64> {
        let mut core = shared.lock();
        let settings = core.settings;
        let lane = lane % settings.lanes.max(1);
        core.next_id += 1;
        let (id, (ticket, turn)) = (core.next_id, oneshot::channel());
        let joined = core.lines[lane].join(id, ticket);
        if joined == Joined::Refused {
            core.record.refused += 1;
            let (slots, _) = settings.lane_size();
            return Err(pause_ms(settings.service_ms, slots, core.lines[lane].waiting()));
        }
        let now = shared.clock.now_ms();
        let freed_ms = if joined == Joined::Started { core.freed[lane].pop_front() } else { None };
        core.note(now);
        drop(core);
        let work_ms = settings.variation.sample(settings.service_ms, rand::random());
        Ok(Self {
            shared: Arc::clone(shared),
            id,
            lane,
            waiting: (joined == Joined::Waits).then_some(turn),
            arrived_ms,
            started_ms: now,
            idle_ms: freed_ms.map_or(0.0, |freed_ms| now - freed_ms),
            work_ms,
            finished: false,
        })
    }

    /// Waits for the slot and works.
    pub(super) async fn work(&mut self) {
        if let Some(turn) = &mut self.waiting {
            // The sender is dropped only with the whole stub.
            drop(turn.await);
            self.waiting = None;
            self.started_ms = self.shared.clock.now_ms();
        }
        let mut left = self.work_ms / 1e3;
        while left > 0.0 {
            let rate = self.rate();
            let Some(rate) = rate else { return sleep(Duration::from_secs_f64(left)).await };
            let step = Duration::from_secs_f64(left / rate).min(STEP);
            let began = Instant::now();
            sleep(step.max(Duration::from_millis(1))).await;
            left -= began.elapsed().as_secs_f64() * rate;
        }
    }

    /// Current speed; `None` if it cannot change.
    fn rate(&self) -> Option<f64> {
        let core = self.shared.lock();
        let (in_flight, _) = core.usage();
        #[expect(clippy::cast_precision_loss, reason = "requests and slots are few")]
        core.settings.shares().then(|| progress_rate(in_flight as f64, core.settings.slots as f64))
    }

    /// Frees the slot and records the response.
    pub(super) fn finish(mut self) -> Told {
        let shared = Arc::clone(&self.shared);
        let mut core = shared.lock();
        self.finished = true;
        let now = shared.clock.now_ms();
        core.record.answers.push(Answered {
            arrived_ms: self.arrived_ms,
            started_ms: self.started_ms,
            answered_ms: now,
            work_ms: self.work_ms,
        });
        core.give_back(self.lane, now);
        core.note(now);
        let (slots, _) = core.settings.lane_size();
        let free = core.lines[self.lane].free();
        Told { slots, free, waited_ms: self.started_ms - self.arrived_ms, idle_ms: self.idle_ms }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let mut core = self.shared.lock();
        let now = self.shared.clock.now_ms();
        // Not in line any more: it has a slot, even if it never learnt so.
        if self.waiting.is_none() || !core.lines[self.lane].leave(self.id) {
            core.give_back(self.lane, now);
        }
        core.record.abandoned += 1;
        core.note(now);
    }
}

/// Delay after which a refused request would find a place, in milliseconds: service time / slots × (waiting + 1).
fn pause_ms(service_ms: f64, slots: usize, waiting: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "slots and waiters are few")]
    let (slots, waiting) = (slots as f64, waiting as f64);
    (service_ms / slots * (waiting + 1.0)).ceil().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_request_is_told_when_a_place_will_be_free() {
        assert!((pause_ms(1400.0, 4, 4) - 1750.0).abs() < 1e-9);
        assert!((pause_ms(0.0, 4, 0) - 1.0).abs() < 1e-9);
    }
}
