//! Rolling update: replaces every process by one of a newer release, under load and with a migration in between; no
//! request may fail and no job be lost. `scripts/rolling.sh` chooses the old and the new release.

mod readers;
mod report;
mod site;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::{Executor, MySqlPool};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::report::Report;
use self::site::{Program, Site};
use crate::chaos::calm::calm;
use crate::chaos::checker;
use crate::chaos::clients::Crowd;
use crate::chaos::evidence::Evidence;
use crate::chaos::ledger::Ledger;
use crate::chaos::servers::Servers;
use crate::load::Photo;
use crate::report::table::say;
use crate::site::Services;

/// Options of a run.
#[derive(Debug, Args)]
pub struct Options {
    /// Old release: a folder with toneup, toneup-api, toneup-worker and analyzer/app
    #[arg(long)]
    old: PathBuf,
    /// New release, which replaces the old one
    #[arg(long)]
    new: PathBuf,
    /// Python interpreter for the analyzers
    #[arg(long)]
    python: PathBuf,
    /// Photo that is analysed
    #[arg(long)]
    photo: PathBuf,
    /// Number of clients that submit and watch
    #[arg(long, default_value_t = 20)]
    clients: usize,
    /// Jobs submitted per second
    #[arg(long, default_value_t = 8.0)]
    rate: f64,
    /// Time that an api serves on after SIGTERM; with less than the load balancer needs, requests fail
    #[arg(long, default_value = "4s")]
    drain_delay: String,
    /// Base of the ports of the run's own processes
    #[arg(long, env = "TONEUP_PORT_BASE", default_value_t = 30_000)]
    port_base: u16,
    /// Directory for files of the run; must be empty
    #[arg(long)]
    folder: PathBuf,
    #[command(flatten)]
    services: Services,
}

/// Time under load before the first change, and between the steps.
const BEFORE: Duration = Duration::from_secs(8);
const BETWEEN: Duration = Duration::from_secs(2);
/// Time under load after the last change.
const AFTER: Duration = Duration::from_secs(8);
/// Interval at which processes are checked.
const WATCH_PAUSE: Duration = Duration::from_millis(500);
/// Seed of the clients' choices (which of them repeat a submit), the same in every run.
const SEED: u64 = 7;

/// Migration of the busiest table that every run applies, in addition to the release's own: an expanding one, as all of
/// ours are.
const MIGRATION: [&str; 2] = [
    "ALTER TABLE jobs ADD COLUMN rolling_note VARCHAR(64) NULL",
    "CREATE INDEX rolling_note ON jobs (rolling_note, created_at)",
];

const MIGRATION_TRIES: u32 = 20;
const MIGRATION_PAUSE: Duration = Duration::from_millis(500);

/// Runs the update; `true` if every promise was kept.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let began = Instant::now();
    std::fs::create_dir_all(&options.folder)?;
    let servers = Servers::new(&options.services)?;
    let database = MySqlPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy(options.services.database_url.as_str())?;
    let photo = std::fs::read(&options.photo);
    let photo = Photo(photo.with_context(|| options.photo.display().to_string())?.into());
    say("rolling: starting 2 apis, 3 workers and 2 analyzers of the old release")?;
    let site = Site::open(options).await?;
    let ledger = Ledger::create(options.folder.join("ledger.jsonl"))?;
    let public_url = vec![site.public_url.clone()];
    let crowd =
        Crowd::gather(SEED, options.clients, &photo, public_url, ledger, database.clone()).await?;
    let run = Run { options, site, servers, crowd, database, incidents: Mutex::default(), began };
    tokio::select! {
        rolled = run.roll() => rolled?,
        failed = run.supervise() => return failed.map(|()| false),
        () = run.load() => {}
        () = readers::read(&run.crowd, &run.site.public_url) => {}
    }
    calm(&run.crowd, &run.database, &run.servers, |text| run.progress(text)).await?;
    run.judge().await
}

/// State of a run.
struct Run<'a> {
    options: &'a Options,
    site: Site,
    servers: Servers,
    crowd: Arc<Crowd>,
    database: MySqlPool,
    incidents: Mutex<Vec<String>>,
    began: Instant,
}

impl Run<'_> {
    fn progress(&self, text: &str) -> anyhow::Result<()> {
        let (at, counts) = (self.began.elapsed().as_secs_f64(), self.crowd.tally.counts());
        let (requests, failed) = (counts.requests, counts.failures.len());
        Ok(say(&format!("{at:6.1} s  {requests:>5} requests  {failed} failed  {text}"))?)
    }

    /// Restarts processes that have ended by themselves, as a container runtime does, and records each as an incident.
    async fn supervise(&self) -> anyhow::Result<()> {
        loop {
            for incident in self.site.revive().await? {
                self.progress(&incident)?;
                self.incidents.lock().unwrap_or_else(PoisonError::into_inner).push(incident);
            }
            sleep(WATCH_PAUSE).await;
        }
    }

    /// Submits at a steady rate; never ends.
    async fn load(&self) {
        let mut ticks = interval(Duration::from_secs_f64(1.0 / self.options.rate));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.crowd.submit(1);
        }
    }

    /// Migrates, and replaces one process after another, as an orchestrator does: the next once the last is ready.
    async fn roll(&self) -> anyhow::Result<()> {
        sleep(BEFORE).await;
        self.progress("migrating while the old release runs")?;
        self.site.migrate(&self.options.new).await?;
        self.change_schema().await?;
        sleep(BETWEEN).await;
        for program in [Program::Analyzer, Program::Worker, Program::Api] {
            for slot in self.site.slots(program) {
                let began = Instant::now();
                self.site.replace(slot).await?;
                let took = began.elapsed().as_secs_f64();
                self.progress(&format!("{} replaced in {took:.1} s", slot.name))?;
                sleep(BETWEEN).await;
            }
        }
        self.progress("all is new")?;
        sleep(AFTER).await;
        Ok(())
    }

    /// Applies the run's own migration with short lock waits, as `toneup migrate` does: later statements queue behind a
    /// waiting schema change.
    async fn change_schema(&self) -> anyhow::Result<()> {
        let mut connection = self.database.acquire().await?;
        connection.execute("SET SESSION lock_wait_timeout = 1").await?;
        for statement in MIGRATION {
            let mut tries = 1;
            while let Err(error) = connection.execute(statement).await {
                anyhow::ensure!(tries < MIGRATION_TRIES, "{statement}: {error}");
                tries += 1;
                sleep(MIGRATION_PAUSE).await;
            }
            self.progress(&format!("{statement}: done at try {tries}"))?;
        }
        Ok(())
    }

    /// Collects the evidence, checks it and writes the report.
    async fn judge(self) -> anyhow::Result<bool> {
        let counts = self.crowd.tally.counts();
        let ledger = self.crowd.disperse().await?;
        let gathered = Evidence::gather(&self.database, &self.servers, Vec::new(), ledger).await;
        let mut evidence = gathered.context("gathering the evidence")?;
        evidence.incidents = self.incidents.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.site.close().await;
        let verdict = checker::check(&evidence);
        let report = Report {
            jobs: self.crowd.jobs(),
            took_s: self.began.elapsed().as_secs_f64(),
            counts: &counts,
            evidence: &evidence,
            verdict: &verdict,
        };
        report.finish()?;
        Ok(report.held())
    }
}
