//! Report of a run: a line for each kind of fault, the findings, and a summary line.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use super::checker::{Class, Verdict};
use super::evidence::{AnalysisRow, Evidence};
use super::faults::Injected;
use super::recovery::{caught_up_ms, met};
use crate::measure::percentiles::Sorted;
use crate::report::Row;
use crate::report::table::{say, table};

/// Findings of one rule that are shown in full.
const EXAMPLES: usize = 5;

/// Data of a completed run.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) seed: u64,
    pub(crate) jobs: usize,
    pub(crate) took_s: f64,
    pub(crate) evidence: &'a Evidence,
    pub(crate) verdict: &'a Verdict,
}

impl Report<'_> {
    /// True if every promise was kept.
    pub(crate) fn held(&self) -> bool {
        self.verdict.findings.is_empty()
    }

    /// Prints the report, and writes it to `file`.
    pub(crate) fn finish(&self, file: &Path) -> anyhow::Result<()> {
        let rows = self.rows();
        say("")?;
        say(&table(&rows))?;
        say("")?;
        for (end, count) in &self.verdict.ends {
            say(&format!("ended: {count} {end}"))?;
        }
        for (what, count) in &self.verdict.looked_at {
            say(&format!("looked at: {count} {what}"))?;
        }
        for line in self.findings() {
            say(&line)?;
        }
        std::fs::write(file, serde_json::to_vec_pretty(&self.json(&rows))?)?;
        say(&self.last_line())?;
        Ok(())
    }

    /// Summary line, for machines.
    fn last_line(&self) -> String {
        let recovery = Sorted::new(self.evidence.faults.iter().filter_map(|one| one.recovery_ms));
        format!(
            "chaos seed={} jobs={} faults={} lost={} repeated={} recovery_p95_s={:.1}",
            self.seed,
            self.jobs,
            self.evidence.faults.len(),
            self.verdict.count(Class::Lost),
            self.verdict.count(Class::Repeated),
            recovery.percentile(95.0) / 1e3,
        )
    }

    /// Builds one row for each kind of fault, sorted by name.
    fn rows(&self) -> Vec<Row> {
        let mut kinds: BTreeMap<String, Vec<&Injected>> = BTreeMap::new();
        for injected in &self.evidence.faults {
            kinds.entry(injected.fault.kind.to_string()).or_default().push(injected);
        }
        let analyses: HashMap<Uuid, &AnalysisRow> =
            self.evidence.analyses.iter().map(|row| (row.id, row)).collect();
        let row = |(kind, all): (&String, &Vec<&Injected>)| {
            let slowest = |times: Vec<Option<f64>>| {
                let known: Option<Vec<f64>> = times.into_iter().collect();
                known.map_or(f64::NAN, |known| known.into_iter().fold(0.0, f64::max) / 1e3)
            };
            let caught_up = |one: &&Injected| caught_up_ms(one, &self.evidence.analyses);
            let retried = self
                .evidence
                .analyses
                .iter()
                .filter(|row| row.attempt > 1 && all.iter().any(|injected| met(injected, row)));
            Row::default()
                .with("fault", kind.as_str())
                .with("count", all.len())
                .number("recovery_s", slowest(all.iter().map(|one| one.recovery_ms).collect()))
                .number("caught_up_s", slowest(all.iter().map(caught_up).collect()))
                .with("retried", retried.count())
                .with("lost", self.met_by(all, Class::Lost, &analyses))
                .with("repeated", self.met_by(all, Class::Repeated, &analyses))
        };
        kinds.iter().map(row).collect()
    }

    /// Counts findings about jobs whose lifetime overlaps with one of these faults.
    fn met_by(
        &self,
        faults: &[&Injected],
        class: Class,
        analyses: &HashMap<Uuid, &AnalysisRow>,
    ) -> usize {
        let found = self.verdict.findings.iter().filter(|finding| finding.class == class);
        let ids: HashSet<Uuid> = found.filter_map(|finding| finding.analysis).collect();
        let rows = ids.iter().filter_map(|id| analyses.get(id));
        rows.filter(|row| faults.iter().any(|injected| met(injected, row))).count()
    }

    fn findings(&self) -> Vec<String> {
        let mut rules: BTreeMap<(Class, &str), Vec<String>> = BTreeMap::new();
        for finding in &self.verdict.findings {
            let of = finding.analysis.map_or_else(String::new, |id| format!("{id}: "));
            let line = format!("{of}{}", finding.detail);
            rules.entry((finding.class, finding.rule)).or_default().push(line);
        }
        let mut lines = Vec::new();
        for ((class, rule), found) in rules {
            lines.push(format!("NOT HELD ({class:?}): {rule}; {} times", found.len()));
            lines.extend(found.iter().take(EXAMPLES).map(|line| format!("  {line}")));
        }
        lines
    }

    fn json(&self, rows: &[Row]) -> Value {
        let object = |row: &Row| -> serde_json::Map<String, Value> {
            row.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let injected = |one: &Injected| {
            json!({
                "fault": one.fault.to_string(),
                "beganMs": one.began_ms,
                "clearedMs": one.cleared_ms,
                "recoveryMs": one.recovery_ms,
            })
        };
        let finding = |one: &super::checker::Finding| {
            json!({
                "class": format!("{:?}", one.class),
                "rule": one.rule,
                "analysis": one.analysis,
                "detail": one.detail,
            })
        };
        json!({
            "seed": self.seed,
            "jobs": self.jobs,
            "tookSeconds": self.took_s,
            "summary": self.last_line(),
            "kinds": rows.iter().map(object).collect::<Vec<_>>(),
            "faults": self.evidence.faults.iter().map(injected).collect::<Vec<_>>(),
            "ends": self.verdict.ends,
            "lookedAt": self.verdict.looked_at,
            "findings": self.verdict.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}
