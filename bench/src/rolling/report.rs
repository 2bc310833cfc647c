//! Report of a rolling update.

use std::collections::BTreeMap;

use serde_json::json;

use crate::chaos::checker::{Class, Verdict};
use crate::chaos::evidence::Evidence;
use crate::chaos::tally::Counts;
use crate::measure::percentiles::Sorted;
use crate::report::table::say;
use crate::site::repository;

/// Failures and findings that are shown in full.
const EXAMPLES: usize = 10;

/// Data of a completed run.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) jobs: usize,
    pub(super) took_s: f64,
    pub(super) counts: &'a Counts,
    pub(super) evidence: &'a Evidence,
    pub(super) verdict: &'a Verdict,
}

impl Report<'_> {
    /// True if no request failed and every promise was kept.
    pub(super) fn held(&self) -> bool {
        self.counts.failures.is_empty() && self.verdict.findings.is_empty()
    }

    /// Prints the report, and writes it to `bench/results`.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        for (end, count) in &self.verdict.ends {
            say(&format!("ended: {count} {end}"))?;
        }
        for (what, count) in &self.verdict.looked_at {
            say(&format!("looked at: {count} {what}"))?;
        }
        say(&format!("streams opened: {}", self.counts.streams))?;
        say(&format!("jobs that needed a second attempt: {}", self.retried()))?;
        for failure in self.counts.failures.iter().take(EXAMPLES) {
            say(&format!("FAILED: {failure}"))?;
        }
        let mut rules: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for finding in &self.verdict.findings {
            rules.entry((finding.class, finding.rule)).or_default().push(&finding.detail);
        }
        for ((class, rule), found) in rules {
            say(&format!("NOT HELD ({class:?}): {rule}; {} times: {}", found.len(), found[0]))?;
        }
        let report = json!({
            "summary": self.last_line(),
            "tookSeconds": self.took_s,
            "ends": self.verdict.ends,
            "failures": self.counts.failures,
            "retried": self.retried(),
            "streams": self.counts.streams,
        });
        let folder = repository().join("bench/results");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("rolling.json"), serde_json::to_vec_pretty(&report)?)?;
        say(&self.last_line())?;
        Ok(())
    }

    fn retried(&self) -> usize {
        self.evidence.analyses.iter().filter(|row| row.attempt > 1).count()
    }

    /// Summary line, for machines. The percentile covers requests that do not wait for an event.
    fn last_line(&self) -> String {
        let latencies = Sorted::new(self.counts.latencies_ms.iter().copied());
        format!(
            "rolling requests={} failed={} jobs={} lost={} p99_ms={:.0}",
            self.counts.requests,
            self.counts.failures.len(),
            self.jobs,
            self.verdict.count(Class::Lost),
            latencies.percentile(99.0),
        )
    }
}
