//! The goals: ours beside the best peer of the same run, and what only ours is asked.

use std::time::{Duration, Instant};

use super::cost::{Meter, resident_mb};
use super::lineup::{Contender, Part, Running};
use super::{Figures, JOBS, WARM_UP, WINDOW, flood_time, rate};
use crate::report::{Report, Row};
use crate::scenarios::common::Bench;
use crate::site::{Plan, Site};

/// Median latency at 20 jobs a second where no peer was measured, in milliseconds.
const P50_MS: f64 = 6.0;
/// Longest 99th percentiles of a submit at 500 a second, and of a result at 100 a second, in milliseconds.
const P99_MS: f64 = 25.0;
/// Most CPU time of a job without the object store's, in milliseconds.
const CPU_MS: f64 = 1.2;
/// Most statements of a job with many in flight, and with one.
const STATEMENTS: (f64, f64) = (1.0, 10.0);
/// Most memory of an API and of a worker, in megabytes.
const MEMORY_MB: f64 = 40.0;
/// Longest time from the start of an API until it is ready, in milliseconds.
const COLD_START_MS: f64 = 1000.0;
/// Share of the measured rate that a second process must reach, since two runs differ by themselves.
const AS_FAST: f64 = 0.97;

/// Figures of all contenders.
#[derive(Debug, Default)]
pub(super) struct Goals(Vec<(Part, Contender, Figures)>);

/// Row of one goal.
fn row(part: Part, figure: &'static str, value: f64) -> Row {
    Row::default().with("part", part.name()).with("figure", figure).number("ours", value)
}

impl Goals {
    /// Adds a contender's figures.
    pub(super) fn note(&mut self, part: Part, contender: Contender, figures: Figures) {
        self.0.push((part, contender, figures));
    }

    fn ours(&self, part: Part) -> Option<&Figures> {
        let mut all = self.0.iter();
        all.find(|(of, who, _)| (*of, *who) == (part, Contender::ToneUp)).map(|found| &found.2)
    }

    /// Best peer by a measure, which is to be large.
    fn best(&self, part: Part, measure: impl Fn(&Figures) -> f64) -> Option<(&'static str, f64)> {
        let peers = self.0.iter().filter(|(of, who, _)| *of == part && *who != Contender::ToneUp);
        let measured = peers.map(|(_, who, figures)| (who.name(), measure(figures)));
        measured.max_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// Reports ours beside the best peer.
    pub(super) fn compare(&self, report: &mut Report) -> anyhow::Result<()> {
        for part in [Part::Engine, Part::Analysis] {
            let Some(ours) = self.ours(part) else { continue };
            let (peer, best) =
                self.best(part, |figures| figures.jobs_per_s).unwrap_or(("-", f64::NAN));
            let fast = row(part, "jobs/s, 256 in flight", ours.jobs_per_s);
            let fast = fast.with("best_peer", peer).number("peer", best);
            report.row(fast.wanted(">= the best peer", ours.jobs_per_s >= best))?;

            let cpu = ours.cost.own_ms + ours.cost.services_ms();
            let row_of_cpu = row(part, "CPU ms of a job, without S3", cpu);
            report.row(row_of_cpu.wanted(format!("<= {CPU_MS}"), cpu <= CPU_MS))?;

            let (peer, best) = self.best(part, |figures| -figures.p50_ms).unwrap_or(("-", -P50_MS));
            let calm = row(part, "p50 ms at 20/s", ours.p50_ms);
            let calm = calm.with("best_peer", peer).number("peer", -best);
            report.row(calm.wanted("<= the best peer", ours.p50_ms <= -best))?;
            let tail = row(part, "p99 ms at 20/s", ours.p99_ms);
            report.row(tail.wanted("<= 2.5 x p50", ours.p99_ms <= 2.5 * ours.p50_ms))?;

            let (statements, pings) = (ours.cost.statements, ours.cost.pings);
            let many = row(part, "statements of a job, 256 in flight", statements);
            report.row(many.wanted(format!("<= {}", STATEMENTS.0), statements <= STATEMENTS.0))?;
            report.row(row(part, "pings of a job", pings).wanted("0", pings < 0.01))?;
        }
        Ok(())
    }
}

/// Measures what only ours is asked.
pub(super) async fn of_ours(
    bench: &Bench<'_>,
    goals: &Goals,
    report: &mut Report,
) -> anyhow::Result<()> {
    let part = Part::Analysis;
    let running = Running::product(bench.services, 1, 1).await?;
    running.crowd.flood(WARM_UP, WINDOW, bench.seconds(12.0)).await;

    let meter = Meter::start(&running.site, None).await?;
    let alone = running.crowd.flood(JOBS, 1, bench.seconds(6.0)).await;
    let each = meter.per_job(&running.site, alone.finished()).await?.statements;
    let one = row(part, "statements of a job, 1 in flight", each);
    report.row(one.wanted(format!("<= {}", STATEMENTS.1), each <= STATEMENTS.1))?;

    let jobs = running.crowd.open(100.0, bench.seconds(12.0)).await;
    let p99 = jobs.end_to_end().percentile(99.0);
    let at_100 = row(part, "p99 ms at 100/s", p99);
    report.row(at_100.wanted(format!("<= {P99_MS}"), p99 <= P99_MS))?;

    let jobs = running.crowd.open(500.0, Duration::from_secs(5)).await;
    let p99 = jobs.submit_times().percentile(99.0);
    let at_500 = row(part, "p99 ms of a submit at 500/s", p99);
    report.row(at_500.wanted(format!("<= {P99_MS}"), p99 <= P99_MS))?;

    for (process, figure) in
        running.site.processes()?.into_iter().zip(["MB of the api", "MB of the worker"])
    {
        let memory = resident_mb(process)?;
        let memory_row = row(part, figure, memory);
        report.row(memory_row.wanted(format!("<= {MEMORY_MB}"), memory <= MEMORY_MB))?;
    }
    running.end().await?;

    let beside = goals.ours(part).map_or(f64::NAN, |figures| figures.jobs_per_s);
    for (apis, workers, figure) in [(1, 2, "jobs/s, two workers"), (2, 1, "jobs/s, two apis")] {
        let running = Running::product(bench.services, apis, workers).await?;
        running.crowd.flood(WARM_UP, WINDOW, bench.seconds(12.0)).await;
        let reached = rate(&running.crowd.flood(JOBS, WINDOW, flood_time(bench)).await);
        running.end().await?;
        let two = row(part, figure, reached).with("best_peer", "one").number("peer", beside);
        report.row(two.wanted(format!(">= {AS_FAST} x one"), reached >= AS_FAST * beside))?;
    }
    cold_start(bench, report).await
}

async fn cold_start(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    const STARTS: usize = 3;
    let plan = Plan::new("overhead-start", vec!["http://127.0.0.1:1".to_owned()]);
    let mut site = Site::open(bench.services, plan).await?;
    let mut slowest = 0.0_f64;
    for _ in 0..STARTS {
        let begun = Instant::now();
        site.restart_api().await?;
        slowest = slowest.max(begun.elapsed().as_secs_f64() * 1e3);
    }
    site.close().await?;
    let start = row(Part::Analysis, "ms from start to ready, slowest of three", slowest);
    report.row(start.wanted(format!("<= {COLD_START_MS}"), slowest <= COLD_START_MS))?;
    Ok(())
}
