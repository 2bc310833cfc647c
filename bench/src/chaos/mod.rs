//! The fault suite: real processes and servers, broken by a seeded schedule while clients submit; an independent
//! checker reads what is left. How to read its output: `docs/reliability.md`.

pub(crate) mod calm;
mod chat;
pub(crate) mod checker;
pub(crate) mod clients;
pub(crate) mod evidence;
mod faults;
pub(crate) mod ledger;
mod link;
mod recovery;
mod report;
mod schedule;
pub(crate) mod servers;
mod site;
pub mod summary;
pub(crate) mod tally;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use futures_util::future::join_all;
use sqlx::MySqlPool;
use sqlx::mysql::MySqlPoolOptions;
use tokio::time::{Instant, interval, sleep};

use self::calm::calm;
use self::chat::Talk;
use self::clients::Crowd;
use self::evidence::Evidence;
use self::faults::{Injected, inject};
use self::ledger::{Ledger, read_lines};
use self::report::Report;
use self::schedule::{APIS, Slot, schedule};
use self::servers::Servers;
use self::site::Site;
use crate::load::Photo;
use crate::report::table::say;
use crate::site::{Services, repository};
use crate::stub::record::Clock;

/// Options of a run.
#[derive(Debug, Args)]
pub struct Options {
    /// Seed of the schedule: the faults, their targets, times and durations
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Least number of jobs to submit
    #[arg(long)]
    jobs: Option<usize>,
    /// Number of clients that submit and watch
    #[arg(long, default_value_t = 40)]
    clients: usize,
    /// Inject only a few faults, in less than a minute
    #[arg(long)]
    short: bool,
    /// Base of the ports of the suite's own processes
    #[arg(long, env = "TONEUP_PORT_BASE", default_value_t = 31_000)]
    port_base: u16,
    /// Directory for files of the run; must be empty
    #[arg(long)]
    folder: PathBuf,
    #[command(flatten)]
    services: Services,
}

/// Jobs of a full and of a short run.
const JOBS_OF: (usize, usize) = (2_000, 300);
/// Share of the jobs that is submitted in bursts at the start of each slot; the others are spread over time.
const BURST_SHARE: f64 = 0.6;
/// Interval of the jobs that are spread over time.
const TRICKLE: Duration = Duration::from_millis(250);
/// Time within which jobs must flow again after a slot's faults are cleared.
const RECOVERY_TIMEOUT: Duration = Duration::from_mins(1);
/// Pause between slots.
const BREATH: Duration = Duration::from_millis(300);
/// Interval at which processes are checked.
const WATCH_PAUSE: Duration = Duration::from_millis(500);

/// Runs the suite; `true` if every promise was kept.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let began = Instant::now();
    let slots = schedule(options.seed, options.short);
    std::fs::create_dir_all(&options.folder)?;
    let servers = Servers::new(&options.services)?;
    say(&format!("chaos: {} faults in {} slots", slots.iter().flatten().count(), slots.len()))?;
    let database = MySqlPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(2))
        .connect_lazy(options.services.database_url.as_str())?;
    let site = Site::open(&servers, options.port_base, &options.folder).await?;
    let ledger = Ledger::create(options.folder.join("ledger.jsonl"))?;
    // A real one, since posts show it; small, since the suite tests jobs, not the transfer of bytes.
    let photo = repository().join("api/src/features/pictures/default.jpg");
    let photo = Photo(std::fs::read(photo)?.into());
    let apis: Vec<String> = (0..APIS).map(|replica| site.api(replica)).collect();
    let talk = Talk::start(options.seed, options.short, &apis, &database).await?;
    let crowd =
        Crowd::gather(options.seed, options.clients, &photo, apis, ledger, database.clone())
            .await?;
    let incidents = Mutex::default();
    let run = Run { options, site, servers, crowd, talk, database, incidents, began };
    let injected = tokio::select! {
        injected = run.storm(&slots) => injected?,
        failed = run.supervise() => return failed.map(|()| false),
    };
    run.judge(injected).await
}

/// State of a run.
struct Run<'a> {
    options: &'a Options,
    site: Site,
    servers: Servers,
    crowd: Arc<Crowd>,
    talk: Talk,
    database: MySqlPool,
    incidents: Mutex<Vec<String>>,
    began: Instant,
}

impl Run<'_> {
    fn progress(&self, text: &str) -> anyhow::Result<()> {
        let at = self.began.elapsed().as_secs_f64();
        Ok(say(&format!("{at:6.1} s  {:>4} jobs  {text}", self.crowd.jobs()))?)
    }

    fn incident(&self, text: String) -> anyhow::Result<()> {
        self.progress(&text)?;
        self.incidents.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        Ok(())
    }

    /// Restarts processes that have ended by themselves, as a container runtime does, and records each as an incident.
    async fn supervise(&self) -> anyhow::Result<()> {
        loop {
            for incident in self.site.revive().await? {
                self.incident(incident)?;
            }
            sleep(WATCH_PAUSE).await;
        }
    }

    /// Runs all slots, and then waits until everything has ended.
    async fn storm(&self, slots: &[Slot]) -> anyhow::Result<Vec<Injected>> {
        let (whole, short) = JOBS_OF;
        let jobs = self.options.jobs.unwrap_or(if self.options.short { short } else { whole });
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of jobs: small and positive"
        )]
        let burst = (jobs as f64 * BURST_SHARE / slots.len() as f64) as usize;
        let mut all = Vec::new();
        self.crowd.act();
        for slot in slots {
            self.crowd.submit(burst);
            let injected = tokio::select! {
                injected = self.slot(slot) => injected?,
                () = self.trickle() => Vec::new(),
            };
            all.extend(injected);
            sleep(BREATH).await;
        }
        self.crowd.rest();
        self.crowd.submit(jobs.saturating_sub(self.crowd.jobs()));
        self.progress("calm; waiting for the rest")?;
        self.talk.quiet();
        calm(&self.crowd, &self.database, &self.servers, |text| self.progress(text)).await?;
        let settled = self.talk.settle(&self.database).await;
        self.progress(if settled { "all talked out" } else { "NOT all talked out" })?;
        Ok(all)
    }

    /// Submits jobs at a steady rate; never ends.
    async fn trickle(&self) {
        let mut ticks = interval(TRICKLE);
        loop {
            ticks.tick().await;
            self.crowd.submit(1);
        }
    }

    /// Runs one slot: injects its faults, clears them and waits for recovery.
    async fn slot(&self, slot: &Slot) -> anyhow::Result<Vec<Injected>> {
        let names: Vec<String> = slot.iter().map(ToString::to_string).collect();
        self.progress(&names.join(" + "))?;
        let clock = Clock::default();
        let all = slot.iter().map(|fault| inject(*fault, &self.site, &self.servers, &clock));
        let mut injected = Vec::new();
        for (fault, outcome) in slot.iter().zip(join_all(all).await) {
            match outcome {
                Ok(done) => injected.push(done),
                Err(error) => self.incident(format!("{fault}: {error:#}"))?,
            }
        }
        let cleared_ms = clock.now_ms();
        let recovery_ms = recovery::flows(&self.database, cleared_ms, RECOVERY_TIMEOUT).await;
        for one in &mut injected {
            one.recovery_ms = recovery_ms;
        }
        match recovery_ms {
            Some(ms) => self.progress(&format!("  jobs flow again after {:.1} s", ms / 1e3))?,
            None => self.incident(format!("no job flowed after: {}", names.join(" + ")))?,
        }
        Ok(injected)
    }

    /// Collects the evidence, checks it and writes the report.
    async fn judge(self, faults: Vec<Injected>) -> anyhow::Result<bool> {
        let Options { seed, folder, short, .. } = self.options;
        let talk = self.talk.finish(&self.database, &results("chat", *seed, *short)?).await?;
        let ledger = self.crowd.disperse().await?;
        let calls = read_lines(&site::calls(folder))?;
        let gathered = Evidence::gather(&self.database, &self.servers, calls, ledger).await;
        let mut evidence = gathered.context("gathering the evidence")?;
        evidence.faults = faults;
        evidence.incidents = self.incidents.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.site.close().await;
        let verdict = checker::check(&evidence);
        let report = Report {
            seed: *seed,
            jobs: self.crowd.jobs(),
            took_s: self.began.elapsed().as_secs_f64(),
            evidence: &evidence,
            verdict: &verdict,
        };
        report.finish(&results("chaos", *seed, *short)?)?;
        Ok(report.held() && talk)
    }
}

/// Path of a report.
fn results(of: &str, seed: u64, short: bool) -> anyhow::Result<PathBuf> {
    let folder: &Path = &repository().join("bench/results");
    std::fs::create_dir_all(folder)?;
    let name = format!("{of}-{seed}{}.json", if short { "-short" } else { "" });
    Ok(folder.join(name))
}
