//! How much a process's own memory grows while something runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::anyhow;

use super::limits::memory_mib;

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Watches this process's anonymous memory: what it has allocated, without mapped files.
#[derive(Debug)]
pub(super) struct Growth {
    before: f64,
    is_over: Arc<AtomicBool>,
    watching: JoinHandle<f64>,
}

impl Growth {
    /// Begins to watch.
    pub(super) fn begin() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let before = anonymous();
        let over = Arc::clone(&is_over);
        let watching = thread::spawn(move || {
            let mut peak = 0.0_f64;
            while !over.load(Ordering::Relaxed) {
                peak = peak.max(anonymous());
                thread::sleep(LOOK);
            }
            peak
        });
        Self { before, is_over, watching }
    }

    /// Ends; returns the growth at its peak, in MiB.
    pub(super) fn end(self) -> anyhow::Result<f64> {
        self.is_over.store(true, Ordering::Relaxed);
        let peak = self.watching.join().map_err(|_| anyhow!("a thread has failed"))?;
        Ok((peak - self.before).max(0.0))
    }
}

fn anonymous() -> f64 {
    memory_mib("self", "RssAnon").unwrap_or(0.0)
}
