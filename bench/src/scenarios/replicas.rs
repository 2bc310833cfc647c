//! Replicas: 1 to 16 workers in front of 4 slots, with headers, without, and with the original server's four processes.

use std::sync::Arc;
use std::time::Duration;

use super::common::{Bench, Setup, Window, analyzer_columns, curves, time_chart, usage};
use crate::load::{self, Photo, Target};
use crate::measure::usage::Usage;
use crate::report::{Report, Row};
use crate::site::servers::{Analyzer, HoldingProxy};
use crate::stub::Settings;

const SLOTS: u32 = 4;
const SERVICE_MS: f64 = 500.0;
/// Number of clients that submit.
const USERS: usize = 40;
/// Jobs queued at the start: more than the windows of 16 workers hold.
const FIRST: usize = 48;
/// Load relative to the analyzer's capacity, so that jobs wait to the end.
const OVERLOAD: f64 = 1.15;
/// Time that a follower may need to find the limit, in service times.
const RAMP_SERVICE_TIMES: f64 = 3.0;

/// Target of the 95th percentile at the analyzer, relative to the unloaded one.
const P95_RATIO: f64 = 1.7;

/// One point of the scenario.
#[derive(Debug, Clone, Copy)]
struct Point {
    replicas: usize,
    headers: bool,
    lanes: usize,
    /// Target of the utilisation.
    target: Option<f64>,
}

impl Point {
    fn name(self) -> String {
        let Self { replicas, headers, lanes, .. } = self;
        format!("replicas-{replicas}-{}-{lanes}", if headers { "on" } else { "off" })
    }

    /// Duration of the measurement, in seconds. Where connections are assigned at random, it takes a while until each
    /// process has its share, in one run of ten more than half a minute.
    fn seconds(self) -> f64 {
        match self {
            Self { headers: true, .. } => 14.0,
            Self { lanes: 1, .. } => 20.0,
            _ => 45.0,
        }
    }

    fn settings(self) -> Settings {
        Settings {
            slots: SLOTS as usize,
            service_ms: SERVICE_MS,
            headers: self.headers,
            lanes: self.lanes,
            ..Settings::default()
        }
    }
}

/// All points, in the order of the table.
fn points() -> Vec<Point> {
    let all = [1, 2, 4, 8, 16];
    let on = all.map(|replicas| Point { replicas, headers: true, lanes: 1, target: Some(0.98) });
    let one_queue = all.map(|replicas| {
        let target = (replicas <= 4).then_some(0.90);
        Point { replicas, headers: false, lanes: 1, target }
    });
    let pinned =
        [1, 4].map(|replicas| Point { replicas, headers: false, lanes: 4, target: Some(0.80) });
    on.into_iter().chain(one_queue).chain(pinned).collect()
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("replicas", bench.quick);
    for point in points() {
        let seconds = bench.seconds(point.seconds());
        let usage = measure(bench, point, seconds).await?;
        report.row(row(point, &usage))?;
        if point.replicas == 4 {
            let (name, how) = (point.name(), if point.headers { "with" } else { "without" });
            let title = format!("4 workers, {how} headers, {} queue(s) of 4 slots", point.lanes);
            report.chart(time_chart(&name, &title, "requests", curves("", &usage)));
        }
    }
    for (permits, usage) in semaphores(bench.seconds(16.0)).await? {
        let window = Window::whole(&usage).after(RAMP_SERVICE_TIMES * SERVICE_MS);
        let row = Row::default().with("design", format!("semaphore of {permits}"));
        let row = row.with("replicas", 1).with("headers", "off").with("queues", 4);
        report.row(analyzer_columns(row, &usage, window, SERVICE_MS))?;
    }
    report.remark(
        "utilisation is taken after the ramp (3 service times with headers, half of the run without); \
         with_ramp is the whole time with jobs waiting."
            .to_owned(),
    )?;
    Ok(report)
}

async fn measure(bench: &Bench<'_>, point: Point, duration: Duration) -> anyhow::Result<Usage> {
    let mut setup = Setup::start(bench, &point.name(), &[point.settings()], USERS).await?;
    setup.site.start_workers(point.replicas, &[]).await?;
    let rate = OVERLOAD * f64::from(SLOTS) * 1e3 / SERVICE_MS;
    let jobs = load::open(&setup.target, FIRST, rate, duration, Duration::ZERO).await;
    anyhow::ensure!(
        jobs.failures() == 0,
        "{} jobs failed: {:?}",
        jobs.failures(),
        jobs.a_failure()
    );
    setup.end(&jobs).await
}

fn row(point: Point, usage: &Usage) -> Row {
    let whole = Window::whole(usage);
    let ramp_ms =
        if point.headers { RAMP_SERVICE_TIMES * SERVICE_MS } else { whole.seconds() * 1e3 / 2.0 };
    let window = whole.after(ramp_ms);
    let used = usage.utilisation(window.from, window.to);
    let row = Row::default()
        .with("design", "toneup")
        .with("replicas", point.replicas)
        .with("headers", if point.headers { "on" } else { "off" })
        .with("queues", point.lanes);
    let row = analyzer_columns(row, usage, window, SERVICE_MS)
        .number("with_ramp", usage.utilisation(whole.from, whole.to))
        .with("failures", 0);
    let Some(target) = point.target else { return row };
    let p95 = usage.times(window.from, window.to).percentile(95.0) / SERVICE_MS;
    let most = usage.in_flight.max(window.from, window.to);
    match (point.headers, point.lanes) {
        (true, _) => row.wanted(
            format!("utilisation >= {target:.2}, p95 <= {P95_RATIO}"),
            used >= target && p95 <= P95_RATIO,
        ),
        (false, 1) => row.wanted(
            format!("utilisation >= {target:.2}, in flight <= {}", 2 * SLOTS),
            used >= target && most <= f64::from(2 * SLOTS),
        ),
        (false, _) => row.wanted(format!("utilisation >= {target:.2}"), used >= target),
    }
}

/// Measures semaphores of the given sizes in front of four pinned processes; all at once, each with its own.
async fn semaphores(duration: Duration) -> anyhow::Result<Vec<(usize, Usage)>> {
    let one = async |permits: usize| {
        let point = Point { replicas: 1, headers: false, lanes: 4, target: None };
        let stub = Analyzer::start(&format!("semaphore-{permits}-stub"), &point.settings()).await?;
        let proxy =
            HoldingProxy::start(&format!("semaphore-{permits}"), &stub.url, permits).await?;
        let target = Arc::new(Target::direct(&proxy.url, Photo::made_up())?);
        // More clients than any semaphore lets in, without a pause: something always waits.
        let jobs = load::closed(&target, 24, Duration::ZERO, duration).await;
        anyhow::Ok((permits, usage(&[stub], &jobs).await?))
    };
    futures_util::future::try_join_all([4, 8, 12, 15].map(one)).await
}
