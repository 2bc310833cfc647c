//! Summary of several runs of the suite as one table, in `docs/reliability.md`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

use crate::report::table::markdown;
use crate::report::{Row, docs};
use crate::site::repository;

/// Options of the summary.
#[derive(Debug, Args)]
pub struct Options {
    /// Seeds of full runs whose reports are in bench/results
    #[arg(required = true)]
    seeds: Vec<u64>,
}

/// Parsed report of a run.
#[derive(Debug, Deserialize)]
struct Run {
    summary: String,
    kinds: Vec<Kind>,
}

/// Results of one kind of fault.
#[derive(Debug, Clone, Default, Deserialize)]
struct Kind {
    fault: String,
    count: u64,
    /// Recovery time in seconds; `None` if no recovery was seen.
    recovery_s: Option<f64>,
    caught_up_s: Option<f64>,
    retried: u64,
    lost: u64,
    repeated: u64,
}

/// Writes the table to the page.
pub fn fill(options: &Options) -> anyhow::Result<()> {
    let read = |seed: &u64| -> anyhow::Result<Run> {
        let path = repository().join(format!("bench/results/chaos-{seed}.json"));
        let report = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&report).with_context(|| format!("parsing {}", path.display()))
    };
    let runs = options.seeds.iter().map(read).collect::<anyhow::Result<Vec<Run>>>()?;
    let lines: Vec<String> = runs.iter().map(|run| format!("    {}", run.summary)).collect();
    let content = format!("{}\n\n{}", lines.join("\n"), markdown(&merged(&runs)));
    docs::fill("docs/reliability.md", "chaos", &content)
}

/// Combines all runs by kind: the slowest recovery and the sums.
fn merged(runs: &[Run]) -> Vec<Row> {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    for kind in runs.iter().flat_map(|run| &run.kinds) {
        let before = kinds.remove(kind.fault.as_str());
        let after = before.map_or_else(|| kind.clone(), |before| before.and(kind));
        kinds.insert(&kind.fault, after);
    }
    let row = |kind: Kind| {
        Row::default()
            .with("fault", kind.fault)
            .with("count", kind.count)
            .number("recovery_s", kind.recovery_s.unwrap_or(f64::NAN))
            .number("caught_up_s", kind.caught_up_s.unwrap_or(f64::NAN))
            .with("retried", kind.retried)
            .with("lost", kind.lost)
            .with("repeated", kind.repeated)
    };
    kinds.into_values().map(row).collect()
}

impl Kind {
    fn and(self, other: &Self) -> Self {
        let slowest = |one: Option<f64>, other: Option<f64>| Some(one?.max(other?));
        Self {
            fault: self.fault,
            count: self.count + other.count,
            recovery_s: slowest(self.recovery_s, other.recovery_s),
            caught_up_s: slowest(self.caught_up_s, other.caught_up_s),
            retried: self.retried + other.retried,
            lost: self.lost + other.lost,
            repeated: self.repeated + other.repeated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_the_slowest_stands_and_what_was_not_seen_is_not_hidden() {
        let kind = |recovery_s, lost| Kind {
            fault: "kill -9 api".to_owned(),
            count: 2,
            recovery_s,
            caught_up_s: Some(1.0),
            lost,
            ..Kind::default()
        };
        let run = |kind| Run { summary: String::new(), kinds: vec![kind] };
        let rows = merged(&[run(kind(Some(0.5), 0)), run(kind(Some(1.5), 1))]);
        let expected = Row::default()
            .with("fault", "kill -9 api")
            .with("count", 4)
            .number("recovery_s", 1.5)
            .number("caught_up_s", 1.0)
            .with("retried", 0)
            .with("lost", 1)
            .with("repeated", 0);
        assert_eq!(rows[0].0, expected.0);
        let unseen = merged(&[run(kind(Some(0.5), 0)), run(kind(None, 0))]);
        assert_eq!(unseen[0].0[2].1, serde_json::Value::Null);
    }
}
