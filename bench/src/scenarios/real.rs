//! The real analyzer at its own maximum, alone and through the whole pipeline, in alternation: the speed of the machine
//! changes over time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::Pid;
use tokio::process::Command;
use tokio::time::sleep;

use super::common::Bench;
use crate::load::{self, Jobs, Photo, Target};
use crate::report::{Report, Row};
use crate::site::cores::Cores;
use crate::site::process::{Process, free_port, output, servers};
use crate::site::{Plan, Site, cpu, repository, within};
use crate::stub::record::Clock;

/// Longest time for the models to load.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Number of alternations, on cores of its own: the speed of a shared machine changes within seconds, by half and more.
const TURNS: u32 = 30;
/// Number of alternations where all share the cores, which needs fewer to show the difference.
const TURNS_WHEN_SHARED: u32 = 10;
const TURNS_WHEN_QUICK: u32 = 6;
const TURN: Duration = Duration::from_secs(1);
/// Time not counted at the start of a turn: the other's last requests end.
const SETTLING: Duration = Duration::from_millis(400);
/// Time not counted at the start of the measurement.
const WARM_UP: Duration = Duration::from_secs(4);
const USERS: usize = 50;
const WANTED: f64 = 0.97;

/// Work done in a period, and its cost in CPU time.
#[derive(Debug, Default)]
struct Done {
    analyses: f64,
    time: Duration,
    by_analyzer: Duration,
    by_pipeline: Duration,
}

impl Done {
    fn per_second(&self) -> f64 {
        self.analyses / self.time.as_secs_f64()
    }

    /// Share of the cores' time in which the analyzer computed.
    fn at_work(&self, cores: usize) -> f64 {
        self.by_analyzer.as_secs_f64() / (self.time.as_secs_f64() * count(cores))
    }

    /// CPU milliseconds per analysis.
    fn each_ms(&self, of: Duration) -> f64 {
        of.as_secs_f64() * 1e3 / self.analyses
    }

    fn add(&mut self, other: &Self) {
        self.analyses += other.analyses;
        self.time += other.time;
        self.by_analyzer += other.by_analyzer;
        self.by_pipeline += other.by_pipeline;
    }
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("real", bench.quick);
    let photo = std::fs::read(repository().join(".local/photos/face.jpg"));
    let photo = Photo(photo.context("reading the photo; run scripts/fetch-photos.sh")?.into());
    let cores = Cores::usable()?;
    // A slot on every core but one; and on every core.
    let mut numbers_of_slots = vec![cores.count().saturating_sub(1).max(1), cores.count()];
    numbers_of_slots.dedup();
    let servers = servers();
    for slots in numbers_of_slots {
        let (alone, piped) = measure(bench, &photo, slots, &cores, &servers).await?;
        rows(&mut report, slots, cores.count(), &alone, &piped)?;
        if slots == cores.count() && !servers.is_empty() {
            report.remark(bound(slots, &alone, &piped))?;
        }
    }
    if servers.is_empty() {
        let counted = "the servers are containers, or elsewhere: they were not kept off the analyzer's cores, and what they \
                       compute is not counted.";
        report.remark(counted.to_owned())?;
    }
    Ok(report)
}

/// Upper bound of the throughput on cores that the pipeline shares with the analyzer.
fn bound(cores: usize, alone: &Done, piped: &Done) -> String {
    let together = piped.each_ms(piped.by_analyzer + piped.by_pipeline);
    let most = count(cores) * 1e3 / together;
    format!(
        "with a slot on each of {cores} cores, an analysis takes {together:.1} ms of these cores with all that is done for it: \
         {most:.1} a second are possible, {:.3} of what the analyzer does alone; {:.3} of that are reached.",
        most / alone.per_second(),
        piped.per_second() / most,
    )
}

fn rows(
    report: &mut Report,
    slots: usize,
    cores: usize,
    alone: &Done,
    piped: &Done,
) -> anyhow::Result<()> {
    let own = slots < cores;
    let ratio = piped.per_second() / alone.per_second();
    let row =
        Row::default().with("slots", slots).with("cores", if own { "its own" } else { "shared" });
    let first = row.clone().with("what", "the analyzer alone");
    let first = first.number("analyses_per_s", alone.per_second());
    let first = first.number("analyzer_cpu_ms", alone.each_ms(alone.by_analyzer));
    report.row(first.with("pipeline_cpu_ms", "").number("at_work", alone.at_work(slots)))?;
    let second = row.with("what", "through the pipeline");
    let second = second.number("analyses_per_s", piped.per_second());
    let second = second.number("analyzer_cpu_ms", piped.each_ms(piped.by_analyzer));
    let second = second.number("pipeline_cpu_ms", piped.each_ms(piped.by_pipeline));
    let second = second.number("at_work", piped.at_work(slots)).number("ratio", ratio);
    report.row(second.wanted(format!(">= {WANTED}"), ratio >= WANTED))
}

/// Measures the analyzer with so many slots, alone and through the pipeline; on cores of its own, if any are left for
/// the rest.
async fn measure(
    bench: &Bench<'_>,
    photo: &Photo,
    slots: usize,
    cores: &Cores,
    servers: &[Pid],
) -> anyhow::Result<(Done, Done)> {
    let apart = cores.apart(slots);
    let (own, others) = apart.as_ref().map_or((cores, None), |(own, others)| (own, Some(others)));
    let _confined = others.map(|others| others.confine(servers)).transpose()?;
    let (analyzer, url) = start(slots, own).await?;
    let mut analyzers = vec![analyzer.id()?];
    analyzers.extend(cpu::children(analyzer.id()?)?);
    ensure!(analyzers.len() > slots, "the analyzer's inference processes are not found");

    let direct = Arc::new(Target::direct(&url, photo.clone())?);
    load::closed(&direct, clients(slots), Duration::ZERO, WARM_UP).await;
    let first = alone(&direct, slots, &analyzers).await?;
    let turns = match &apart {
        _ if bench.quick => TURNS_WHEN_QUICK,
        Some(_) => TURNS,
        None => TURNS_WHEN_SHARED,
    };
    let mut site = Site::open(bench.services, Plan::new("real", vec![url])).await?;
    let target = Arc::new(Target::toneup(&site.api, USERS, photo).await?);
    let seconds = (WARM_UP + (SETTLING + TURN) * turns).as_secs_f64();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of jobs: small and positive"
    )]
    let enough = (first.per_second() * seconds * 2.0) as usize + 50;
    let jobs: Jobs = load::backlog(&target, enough, Duration::from_mins(1)).await;
    ensure!(jobs.failures() == 0, "submits fail: {:?}", jobs.a_failure());
    site.start_workers(1, &[]).await?;
    sleep(WARM_UP).await;

    let (mut alone_all, mut piped_all) = (Done::default(), Done::default());
    for _ in 0..turns {
        site.workers().iter().try_for_each(Process::halt)?;
        // What the worker has sent ends first: all together would be more than may wait.
        sleep(SETTLING).await;
        alone_all.add(&alone(&direct, slots, &analyzers).await?);
        site.workers().iter().try_for_each(Process::go_on)?;
        piped_all.add(&piped(&site, &analyzers, servers).await?);
    }
    let left = enough - usize::try_from(site.succeeded().await?)?;
    site.close().await?;
    ensure!(left > 2 * slots, "the backlog did not last: {left} of {enough} jobs are left");
    Ok((alone_all, piped_all))
}

/// Starts the real analyzer on the given cores.
async fn start(slots: usize, cores: &Cores) -> anyhow::Result<(Process, String)> {
    let root = repository();
    let address = format!("127.0.0.1:{}", free_port()?);
    let mut command = Command::new(root.join(".local/venv/bin/python"));
    command.args(["-m", "app"]).current_dir(root.join("analyzer")).stdout(output("real-analyzer")?);
    let variables = [
        ("ANALYZER_LISTEN", address.clone()),
        ("ANALYZER_SLOTS", slots.to_string()),
        ("ANALYZER_LOG_LEVEL", "warning".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let process = cores.start(|| Process::spawn("real-analyzer", command, &variables))??;
    let url = format!("http://{address}");
    let http = load::target::http()?;
    let ready = format!("{url}/readyz");
    within(START_TIMEOUT, async || {
        http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success())
    })
    .await
    .context("the analyzer does not start; its log is .local/bench/real-analyzer.log")?;
    Ok((process, url))
}

/// Number of clients that keep every slot busy, with as many requests waiting.
fn clients(slots: usize) -> usize {
    slots + slots.max(2)
}

/// Measures the analyzer alone, for one turn.
async fn alone(target: &Arc<Target>, slots: usize, analyzers: &[Pid]) -> anyhow::Result<Done> {
    // A little more than is looked at: nothing may run dry before the end.
    let whole = SETTLING + TURN + SETTLING / 4;
    let looking = async {
        sleep(SETTLING).await;
        let clock = Clock::default();
        let (used, began) = (cpu::used_by(analyzers)?, clock.now_ms());
        sleep(TURN).await;
        anyhow::Ok((used, began, cpu::used_by(analyzers)?, clock.now_ms()))
    };
    let (jobs, looked) =
        tokio::join!(load::closed(target, clients(slots), Duration::ZERO, whole), looking);
    let (used, began, used_then, ended) = looked?;
    ensure!(jobs.failures() == 0, "the analyzer fails: {:?}", jobs.a_failure());
    let finished = jobs.0.iter().filter_map(|job| job.finished_ms);
    Ok(Done {
        analyses: count(finished.filter(|at| (began..ended).contains(at)).count()),
        time: Duration::from_secs_f64((ended - began) / 1e3),
        by_analyzer: used_then.saturating_sub(used),
        by_pipeline: Duration::ZERO,
    })
}

/// Measures the pipeline, which has a backlog, for one turn. Results are counted in the database, since waiting clients
/// would compete with the analyzer.
async fn piped(site: &Site, analyzers: &[Pid], servers: &[Pid]) -> anyhow::Result<Done> {
    sleep(SETTLING).await;
    let clock = Clock::default();
    let pipeline = [site.processes()?, servers.to_vec()].concat();
    let used = (cpu::used_by(analyzers)?, cpu::used_by(&pipeline)?);
    let (done, began) = (site.succeeded().await?, clock.now_ms());
    sleep(TURN).await;
    let (done_then, ended) = (site.succeeded().await?, clock.now_ms());
    let used_then = (cpu::used_by(analyzers)?, cpu::used_by(&pipeline)?);
    Ok(Done {
        analyses: count(usize::try_from(done_then - done)?),
        time: Duration::from_secs_f64((ended - began) / 1e3),
        by_analyzer: used_then.0.saturating_sub(used.0),
        by_pipeline: used_then.1.saturating_sub(used.1),
    })
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
