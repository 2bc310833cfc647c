//! The first server's load test: 20 virtual users, submit, result, a second's pause; beside it the first server's
//! design.

use std::sync::Arc;
use std::time::Duration;

use super::common::{
    Bench, Setup, Window, analyzer_columns, cdf_chart, cdf_curve, curves, time_chart, usage,
};
use crate::load::{self, Jobs, Photo, Target};
use crate::measure::usage::Usage;
use crate::report::{Report, Row};
use crate::site::Plan;
use crate::site::servers::{Analyzer, HoldingProxy};
use crate::stub::Settings;

const SLOTS: u32 = 4;
const USERS: usize = 20;
const PAUSE: Duration = Duration::from_secs(1);
/// The semaphore of the first server.
const PERMITS: usize = 12;

/// One of the concurrent runs, each with its own analyzer.
#[derive(Debug, Clone, Copy)]
struct Contest {
    design: Design,
    service_ms: f64,
    seconds: u32,
}

/// Design that serves the users' requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Design {
    /// ToneUp: submit, then poll.
    ToneUp,
    /// ToneUp's compatible route, which holds the request.
    Door,
    /// The first server's semaphore.
    Semaphore,
}

impl Design {
    fn name(self) -> &'static str {
        match self {
            Self::ToneUp => "toneup",
            Self::Door => "door",
            Self::Semaphore => "proxy",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::ToneUp => "toneup",
            Self::Door => "toneup door",
            Self::Semaphore => "semaphore of 12",
        }
    }
}

impl Contest {
    fn name(self) -> String {
        format!("document-{}-{}-{}", self.design.name(), self.service_ms, self.seconds)
    }

    fn is_toneup(self) -> bool {
        self.design != Design::Semaphore
    }

    fn settings(self) -> Settings {
        Settings {
            slots: SLOTS as usize,
            service_ms: self.service_ms,
            degrade: true,
            headers: self.is_toneup(),
            ..Settings::default()
        }
    }
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("document", bench.quick);
    let mut times = Vec::new();
    for seconds in [50, 100] {
        use Design::{Door, Semaphore, ToneUp};
        let contests = [
            (ToneUp, 1400.0),
            (Door, 1400.0),
            (Semaphore, 1400.0),
            (ToneUp, 1000.0),
            (Semaphore, 1000.0),
        ]
        .map(|(design, service_ms)| Contest { design, service_ms, seconds });
        let runs = contests.map(|contest| measure(bench, contest));
        let measured = futures_util::future::try_join_all(runs).await?;
        for (contest, (jobs, usage)) in contests.into_iter().zip(&measured) {
            let duration = bench.seconds(f64::from(seconds));
            report.row(row(contest, duration, jobs, usage))?;
            if seconds == 100 {
                let label = format!("{}, {} ms", contest.design.label(), contest.service_ms);
                times.push(cdf_curve(&label, jobs));
            }
            if seconds == 50 && (contest.service_ms - 1000.0).abs() < 1.0 {
                let title = format!("20 users, 4 slots of 1 s: {}", contest.name());
                report.chart(time_chart(&contest.name(), &title, "requests", curves("", usage)));
            }
        }
    }
    report.chart(cdf_chart("document-latency", "20 users, 4 slots: from submit to result", times));
    Ok(report)
}

async fn measure(bench: &Bench<'_>, contest: Contest) -> anyhow::Result<(Jobs, Usage)> {
    let duration = bench.seconds(f64::from(contest.seconds));
    if contest.is_toneup() {
        let open_door = |plan: &mut Plan| {
            plan.settings.push(("APP_TEST_DOOR".to_owned(), "true".to_owned()));
        };
        let analyzers = [contest.settings()];
        let mut setup =
            Setup::start_with(bench, &contest.name(), &analyzers, USERS, open_door).await?;
        if contest.design == Design::Door {
            setup.target = Arc::new(Target::door(&setup.site.api, Photo::made_up())?);
        }
        setup.site.start_workers(1, &[]).await?;
        let jobs = load::closed(&setup.target, USERS, PAUSE, duration).await;
        let usage = setup.end(&jobs).await?;
        return Ok((jobs, usage));
    }
    let stub = Analyzer::start(&format!("{}-stub", contest.name()), &contest.settings()).await?;
    let proxy = HoldingProxy::start(&contest.name(), &stub.url, PERMITS).await?;
    let target = Arc::new(Target::direct(&proxy.url, Photo::made_up())?);
    let jobs = load::closed(&target, USERS, PAUSE, duration).await;
    let usage = usage(&[stub], &jobs).await?;
    Ok((jobs, usage))
}

/// Columns of the first server's k6 table, with their targets.
fn row(contest: Contest, duration: Duration, jobs: &Jobs, usage: &Usage) -> Row {
    let times = jobs.end_to_end();
    let end_ms = jobs.first_sent().unwrap_or_default() + duration.as_secs_f64() * 1e3;
    let in_time = jobs.0.iter().filter(|job| job.finished_ms.is_some_and(|at| at <= end_ms));
    #[expect(clippy::cast_precision_loss, reason = "numbers of jobs")]
    let (in_time, failures, all) =
        (in_time.count() as f64, jobs.failures() as f64, jobs.0.len().max(1) as f64);
    let throughput = in_time / duration.as_secs_f64();
    let spread = times.percentile(95.0) / times.median();
    // While jobs wait: from the first that waits to the end of the load.
    let whole = Window::whole(usage);
    let window = Window { to: whole.to.min(end_ms), ..whole };
    let at_analyzer = |window: Window| {
        let ended =
            |(arrived, time): &&(f64, f64)| (window.from..window.to).contains(&(arrived + time));
        let answered = u32::try_from(usage.visits.iter().filter(ended).count()).unwrap_or(u32::MAX);
        f64::from(answered) / window.seconds().max(1e-9)
    };
    let steady = at_analyzer(window.after(contest.service_ms));
    let best = f64::from(SLOTS) * 1e3 / contest.service_ms;
    let row = Row::default()
        .with("design", contest.design.label())
        .with("seconds", duration.as_secs())
        .number("service_s", contest.service_ms / 1e3)
        .number("rps", throughput)
        .number("median_s", times.median() / 1e3)
        .number("p95_s", times.percentile(95.0) / 1e3)
        .number("max_s", times.max() / 1e3)
        .number("failed_percent", 100.0 * failures / all)
        .number("p95_by_median", spread)
        .number("rps_of_best", steady / best);
    let row = analyzer_columns(row, usage, window, contest.service_ms);
    if contest.is_toneup() {
        let met = spread <= 1.05 && failures < 1.0 && steady / best >= 0.97;
        return row.wanted("p95/median <= 1.05, no failures, rps >= 0.97 of the best", met);
    }
    row
}
