//! The real analyzer at its own maximum, and the same through the whole pipeline.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;
use tokio::time::sleep;

use super::Bench;
use crate::load::{self, Jobs, Photo, Target};
use crate::report::{Report, Row};
use crate::site::process::{Process, free_port, output};
use crate::site::{Plan, Site, repository, within};
use crate::stub::record::Clock;

/// How long the models may take to load.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// What is not counted at the beginning.
const WARM_UP: Duration = Duration::from_secs(4);
const USERS: usize = 50;
const WANTED: f64 = 0.97;

/// Runs the scenario.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("real", bench.quick);
    let photo = std::fs::read(repository().join(".local/photos/face.jpg"));
    let photo = Photo(photo.context("reading the photo; run scripts/fetch-photos.sh")?.into());
    let cores = std::thread::available_parallelism()?.get();
    // With a core to spare for everything else, as where the analyzer has machines of its own; and with none.
    let mut numbers_of_slots = vec![cores.saturating_sub(1).max(1), cores];
    numbers_of_slots.dedup();
    for slots in numbers_of_slots {
        for row in rows(bench, &photo, slots).await? {
            report.row(row)?;
        }
    }
    report.remark(
        "everything shares one machine: with a slot on every core, what the pipeline and its servers compute, the analyzer \
         cannot."
            .to_owned(),
    )?;
    Ok(report)
}

/// The analyzer with so many slots, alone and through the pipeline.
async fn rows(bench: &Bench<'_>, photo: &Photo, slots: usize) -> anyhow::Result<[Row; 2]> {
    let (_analyzer, url) = start(slots).await?;
    let duration = bench.seconds(12.0);
    let alone = alone(&url, photo.clone(), slots, duration).await?;
    let row = Row::default().with("slots", slots);
    let first = row.clone().with("what", "the analyzer alone").number("analyses_per_s", alone);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of jobs: small and positive"
    )]
    let enough = (alone * (duration + WARM_UP).as_secs_f64() * 1.5) as usize + 50;
    let piped = piped(bench, &url, photo, enough, duration).await?;
    let ratio = piped / alone;
    let row = row.with("what", "through the pipeline").number("analyses_per_s", piped);
    let row = row.number("ratio", ratio);
    Ok([first, row.wanted(format!(">= {WANTED}"), ratio >= WANTED)])
}

/// Starts the real analyzer.
async fn start(slots: usize) -> anyhow::Result<(Process, String)> {
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
    let process = Process::spawn("real-analyzer", command, &variables)?;
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

/// Analyses per second with every slot at work and as many requests waiting.
async fn alone(url: &str, photo: Photo, slots: usize, duration: Duration) -> anyhow::Result<f64> {
    let target = Arc::new(Target::direct(url, photo)?);
    let clients = slots + slots.max(2);
    load::closed(&target, clients, Duration::ZERO, WARM_UP).await;
    let jobs = load::closed(&target, clients, Duration::ZERO, duration).await;
    ensure!(jobs.failures() == 0, "the analyzer fails: {:?}", jobs.a_failure());
    let begin = jobs.first_sent().context("nothing was sent")?;
    Ok(rate(jobs.0.iter().filter_map(|job| job.finished_ms), begin, duration))
}

fn rate(finished: impl Iterator<Item = f64>, begin_ms: f64, duration: Duration) -> f64 {
    let end_ms = begin_ms + duration.as_secs_f64() * 1e3;
    let inside = finished.filter(|at| (begin_ms..end_ms).contains(at)).count();
    f64::from(u32::try_from(inside).unwrap_or(u32::MAX)) / duration.as_secs_f64()
}

/// Analyses per second through everything, with a backlog that lasts. Counted in the database: clients that wait would
/// compute beside the analyzer.
async fn piped(
    bench: &Bench<'_>,
    url: &str,
    photo: &Photo,
    enough: usize,
    duration: Duration,
) -> anyhow::Result<f64> {
    let mut site = Site::open(bench.services, Plan::new("real", vec![url.to_owned()])).await?;
    let target = Arc::new(Target::toneup(&site.api, USERS, photo).await?);
    let jobs: Jobs = load::backlog(&target, enough, Duration::from_mins(1)).await;
    ensure!(jobs.failures() == 0, "submits fail: {:?}", jobs.a_failure());
    site.start_workers(1, &[]).await?;
    sleep(WARM_UP).await;
    let clock = Clock::default();
    let (before, began) = (site.succeeded().await?, clock.now_ms());
    sleep(duration).await;
    let (after, ended) = (site.succeeded().await?, clock.now_ms());
    site.close().await?;
    let done = u32::try_from(after - before).unwrap_or_default();
    Ok(f64::from(done) * 1e3 / (ended - began))
}
