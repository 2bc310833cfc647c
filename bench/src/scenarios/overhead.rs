//! Overhead: what a job costs when the analyzer costs nothing, beside other job systems that run the same work.

mod cost;
mod crowd;
mod goals;
mod lineup;

use std::time::Duration;

use self::cost::{Cost, Meter};
use self::goals::Goals;
use self::lineup::{Contender, Part, Running};
use super::common::Bench;
use crate::load::Jobs;
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};

/// Jobs of one flood, at most.
const JOBS: usize = 20_000;
/// Jobs in flight in a flood.
const WINDOW: usize = 256;
/// Jobs before the first measurement: connections, prepared statements, caches.
const WARM_UP: usize = 500;
/// Submits a second in the measurement of latency.
const CALM: f64 = 20.0;

/// Figures of one contender at one part.
#[derive(Debug, Clone, Default)]
struct Figures {
    jobs_per_s: f64,
    cost: Cost,
    p50_ms: f64,
    p99_ms: f64,
    failures: usize,
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("overhead", bench.quick);
    let mut goals = Goals::default();
    for part in [Part::Engine, Part::Analysis] {
        for contender in Contender::ALL {
            match measure(bench, contender, part).await {
                Ok(figures) => {
                    report.row(line(part, contender, &figures))?;
                    goals.note(part, contender, figures);
                }
                Err(error) if contender != Contender::ToneUp => {
                    report.remark(format!("{}: left out: {error:#}", contender.name()))?;
                }
                Err(error) => return Err(error),
            }
        }
    }
    report.next_table();
    goals.compare(&mut report)?;
    goals::of_ours(bench, &goals, &mut report).await?;
    Ok(report)
}

/// Starts a contender, warms it up, and measures it.
async fn measure(bench: &Bench<'_>, contender: Contender, part: Part) -> anyhow::Result<Figures> {
    let running = Running::start(bench.services, contender, part).await?;
    running.crowd.flood(WARM_UP, WINDOW, bench.seconds(12.0)).await;
    let redis = running.redis();
    let rounds = if bench.quick { 1 } else { 3 };
    let (mut rates, mut costs, mut failures) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let meter = Meter::start(&running.site, redis).await?;
        let jobs = running.crowd.flood(JOBS, WINDOW, flood_time(bench)).await;
        costs.push(meter.per_job(&running.site, jobs.finished()).await?);
        rates.push(rate(&jobs));
        failures += jobs.failures() + jobs.unfinished();
    }
    let jobs =
        running.crowd.open(CALM, Duration::from_secs(if bench.quick { 4 } else { 12 })).await;
    failures += jobs.failures() + jobs.unfinished();
    let times = jobs.end_to_end();
    running.end().await?;
    let (p50_ms, p99_ms) = (times.median(), times.percentile(99.0));
    costs.sort_by(|one, other| one.own_ms.total_cmp(&other.own_ms));
    let cost = costs.swap_remove(rounds / 2);
    Ok(Figures { jobs_per_s: Sorted::new(rates).median(), cost, p50_ms, p99_ms, failures })
}

/// Longest time of a flood.
fn flood_time(bench: &Bench<'_>) -> Duration {
    Duration::from_secs(if bench.quick { 3 } else { 7 })
}

/// Results per second, from the first submit to the last result.
fn rate(jobs: &Jobs) -> f64 {
    let (Some(from), Some(to)) = (jobs.first_sent(), jobs.last_finished()) else { return 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "a number of jobs")]
    let finished = jobs.finished() as f64;
    finished * 1e3 / (to - from).max(1.0)
}

fn line(part: Part, contender: Contender, figures: &Figures) -> Row {
    let Figures { jobs_per_s, cost, p50_ms, p99_ms, failures } = figures;
    Row::default()
        .with("part", part.name())
        .with("contender", contender.name())
        .number("jobs_per_s", *jobs_per_s)
        .number("own_cpu_ms", cost.own_ms)
        .number("services_cpu_ms", cost.services_ms())
        .number("s3_cpu_ms", cost.s3_ms())
        .with("of_which", cost.shares())
        .number("statements", cost.statements)
        .number("p50_ms", *p50_ms)
        .number("p99_ms", *p99_ms)
        .with("failures", *failures)
}
