//! A hundred workers beside four: how well they use the analyzers, and what a job costs the servers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use tokio::time::sleep;

use super::counters::{Servers, Work};
use super::finding::finding;
use crate::load::{self, Jobs, Photo, Target};
use crate::measure::usage::Usage;
use crate::report::Report;
use crate::scenarios::common::Bench;
use crate::scenarios::common::{Window, usage};
use crate::site::servers::Analyzer;
use crate::site::{Plan, Site, sockets};
use crate::stub::Settings;

/// Slots of one analyzer.
pub(super) const SLOTS: usize = 4;
const INSTANCES: usize = 25;
const SERVICE_MS: f64 = 2000.0;
const APIS: usize = 4;
const FEW: usize = 4;
const MANY: usize = 100;
/// Clients that submit, spread over the apis.
const USERS: usize = 200;
/// Load relative to the analyzers' capacity, so that jobs wait to the end.
const OVERLOAD: f64 = 1.1;
/// Jobs submitted at the start.
const FIRST: usize = 200;
/// Size of the photos: they are not what is measured.
const PHOTO_BYTES: usize = 20_000;
/// Time after which connections of the last batches are closed, and leases given back.
const SETTLING: Duration = Duration::from_secs(36);
/// Start of the measured part, in service times.
const RAMP_SERVICE_TIMES: f64 = 3.0;

/// ToneUp with several apis in front of several analyzers.
pub(super) struct Fleet {
    pub(super) site: Site,
    pub(super) analyzers: Vec<Analyzer>,
    pub(super) target: Arc<Target>,
}

impl Fleet {
    /// Starts everything except the workers.
    pub(super) async fn start(
        servers: &Servers,
        name: &str,
        (instances, service_ms): (usize, f64),
        (apis, users): (usize, usize),
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut analyzers = Vec::new();
        for index in 0..instances {
            let settings = Settings { slots: SLOTS, service_ms, ..Settings::default() };
            analyzers.push(Analyzer::start(&format!("{name}-stub-{index}"), &settings).await?);
        }
        let mut plan = Plan::new(name, analyzers.iter().map(|stub| stub.url.clone()).collect());
        let settings =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        plan.settings.extend(settings);
        let mut site = Site::open(&servers.services, plan).await?;
        let mut urls = vec![site.api.clone()];
        urls.extend(site.start_more_apis(apis.saturating_sub(1)).await?);
        let mut photo = Photo::made_up();
        photo.0.truncate(PHOTO_BYTES);
        let mut all = Vec::new();
        for (index, url) in urls.iter().enumerate() {
            let share = users / urls.len() + usize::from(index < users % urls.len());
            if let Target::ToneUp { users } = Target::toneup(url, share, &photo).await? {
                all.extend(users);
            }
        }
        Ok(Self { site, analyzers, target: Arc::new(Target::ToneUp { users: all }) })
    }

    /// Starts workers, and waits until all consume.
    pub(super) async fn add_workers(&mut self, count: usize) -> anyhow::Result<()> {
        self.site.spawn_workers(count, &[])?;
        self.site.all_consume().await
    }
}

/// One measured number of workers.
struct Measured {
    jobs: Jobs,
    work: Work,
}

impl Measured {
    fn per_job(&self, quantity: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a number of jobs")]
        let jobs = self.jobs.finished().max(1) as f64;
        quantity / jobs
    }
}

/// Measures the fleet and the cost of its idle workers.
pub(super) async fn run(
    bench: &Bench<'_>,
    servers: &Servers,
    report: &mut Report,
) -> anyhow::Result<()> {
    let load = bench.seconds(18.0);
    let analyzers = (INSTANCES, SERVICE_MS);
    let mut fleet = Fleet::start(servers, "scale-fleet", analyzers, (APIS, USERS), &[]).await?;
    fleet.add_workers(FEW).await?;
    let few = measure(servers, &fleet, load).await?;
    fleet.add_workers(MANY - FEW).await?;
    let many = measure(servers, &fleet, load).await?;
    let all = Jobs([few.jobs.0.clone(), many.jobs.0.clone()].concat());
    let usage = usage(&fleet.analyzers, &all).await?;
    for (workers, measured) in [(FEW, &few), (MANY, &many)] {
        use_of_analyzers(report, workers, measured, &usage)?;
    }
    costs(report, &few, &many)?;
    idle(bench, servers, fleet, report).await
}

async fn measure(servers: &Servers, fleet: &Fleet, load: Duration) -> anyhow::Result<Measured> {
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    let rate = OVERLOAD * (INSTANCES * SLOTS) as f64 * 1e3 / SERVICE_MS;
    let before = servers.count().await?;
    let patience = Duration::from_mins(1);
    let jobs = load::open(&fleet.target, FIRST, rate, load, patience).await;
    Ok(Measured { work: servers.since(before).await?, jobs })
}

fn use_of_analyzers(
    report: &mut Report,
    workers: usize,
    measured: &Measured,
    usage: &Usage,
) -> anyhow::Result<()> {
    let Measured { jobs, .. } = measured;
    let from = jobs.first_sent().unwrap_or_default() + RAMP_SERVICE_TIMES * SERVICE_MS;
    let window = Window { from, to: jobs.last_finished().unwrap_or(from) };
    let used = usage.utilisation(window.from, window.to);
    let p95 = usage.times(window.from, window.to).percentile(95.0) / SERVICE_MS;
    let most = usage.in_flight.max(window.from, window.to);
    let lost = jobs.failures() + jobs.unfinished();
    let with =
        format!("{workers} workers, {APIS} apis, {INSTANCES} analyzers of {SLOTS} slots and 2 s");
    report.row(finding("utilisation", used, &with).wanted(">= 0.98", used >= 0.98))?;
    report.row(finding("p95_at_analyzer", p95, &with).wanted("<= 1.05", p95 <= 1.05))?;
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    let allowed = (INSTANCES * (SLOTS + 1)) as f64;
    let fits = most <= allowed;
    report.row(finding("in_flight", most, &with).wanted(format!("<= {allowed}"), fits))?;
    #[expect(clippy::cast_precision_loss, reason = "a number of jobs")]
    let failures = lost as f64;
    let why = jobs.a_failure().map(|why| format!("; the first: {why}")).unwrap_or_default();
    let with = format!("{with}, {} jobs{why}", jobs.0.len());
    report.row(finding("failures", failures, &with).wanted("0", lost == 0))
}

/// Cost of a job with many workers, relative to few.
fn costs(report: &mut Report, few: &Measured, many: &Measured) -> anyhow::Result<()> {
    const MOST: f64 = 1.25;
    let mut compare = |name: &'static str, of: &dyn Fn(&Work) -> f64, unit: &str| {
        let (few, many) = (few.per_job(of(&few.work)), many.per_job(of(&many.work)));
        let with = format!("{MANY} workers beside {FEW}: {many:.2} and {few:.2} {unit} a job");
        let ratio = many / few;
        report.row(finding(name, ratio, &with).wanted(format!("<= {MOST}"), ratio <= MOST))
    };
    compare("cpu_redis", &|work| work.cpu_ms[0], "ms")?;
    compare("cpu_database", &|work| work.cpu_ms[1], "ms")?;
    compare("cpu_broker", &|work| work.cpu_ms[2], "ms")?;
    compare("redis_commands", &|work| work.commands, "commands")?;
    compare("statements", &|work| work.statements, "statements")
}

/// Cost of a hundred workers without jobs: everything, less what the apis alone cost.
async fn idle(
    bench: &Bench<'_>,
    servers: &Servers,
    mut fleet: Fleet,
    report: &mut Report,
) -> anyhow::Result<()> {
    sleep(if bench.quick { SETTLING / 2 } else { SETTLING }).await;
    let time = bench.seconds(12.0);
    let port = servers.database_port()?;
    let (mut memory, mut connections) = (Vec::new(), Vec::new());
    for worker in fleet.site.workers() {
        memory.push(sockets::memory_mb(worker.id()?)?);
        connections.push(sockets::connections_to(worker.id()?, port)?);
    }
    ensure!(!memory.is_empty(), "no worker runs");
    let with_workers = rest(servers, time).await?;
    for worker in fleet.site.take_workers(MANY) {
        worker.kill().await;
    }
    // Their leases, and the elections that they held, have ended.
    sleep(bench.seconds(12.0)).await;
    let without = rest(servers, time).await?;
    let statements =
        with_workers.statements / with_workers.seconds - without.statements / without.seconds;
    let commands =
        with_workers.commands / with_workers.seconds - without.commands / without.seconds;
    let with = format!("{MANY} workers without jobs");
    report.row(
        finding("idle_statements_per_s", statements, &with).wanted("<= 50", statements <= 50.0),
    )?;
    report.row(finding("idle_redis_per_s", commands, &with).wanted("<= 100", commands <= 100.0))?;
    let most_memory = memory.iter().copied().fold(0.0, f64::max);
    report.row(
        finding("idle_memory_mb", most_memory, "the largest of them")
            .wanted("<= 20", most_memory <= 20.0),
    )?;
    let most = connections.iter().max().copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let row = finding("idle_connections", most as f64, "to the database, the most of one");
    report.row(row.wanted("<= 2", most <= 2))?;
    fleet.site.close().await
}

async fn rest(servers: &Servers, time: Duration) -> anyhow::Result<Work> {
    let before = servers.count().await?;
    sleep(time).await;
    servers.since(before).await
}
