//! The loader: time and memory of a whole load, and the result of one that is killed again and again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use toneup_catalogue::embeddings::Vectors;

use super::limits::{Limit, memory_mib};
use super::shop;
use crate::report::{Report, Row};
use crate::site::process::{Process, output};

/// Memory that the loader may use, in bytes.
const LIMIT: u64 = 256 << 20;
/// Products of a quick run's file.
const FEW: u64 = 4040;
/// The files of a generation.
const FILES: [&str; 3] = ["ids", "codes", "exact"];
/// Pause between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_mins(3);

/// What was loaded.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) directory: PathBuf,
    pub(super) products: u64,
}

/// A load into a directory.
struct Load<'a> {
    file: &'a Path,
    directory: PathBuf,
    /// Records between two checkpoints.
    checkpoint: u64,
    limit: Option<&'a Limit>,
}

/// Measures the loader; the embeddings stay in the folder.
pub(super) async fn run(quick: bool, folder: &Path, report: &mut Report) -> anyhow::Result<Loaded> {
    let products = if quick { FEW } else { shop::SIZE };
    let file = folder.join("product_embeddings.json");
    generate(&file, products).await?;
    let limit = Limit::create(LIMIT);
    let checkpoint = products / 40;
    let load = |name: &str| Load {
        file: &file,
        directory: folder.join(name),
        checkpoint,
        limit: limit.as_ref(),
    };
    // The first load warms the file up.
    let whole = load("whole");
    whole.start()?.0.ended().await.and_then(succeeded)?;
    let again = load("again");
    let (seconds, peak_mib) = measured(&again).await?;
    report.row(whole_row(&file, seconds, peak_mib, limit.is_some())?)?;
    report.next_table();
    let killed = load("killed");
    let (kills, slowest) = kill_again_and_again(&killed, products, quick).await?;
    let same = same(&whole.directory, &killed.directory)?;
    let is_same = same && self::same(&whole.directory, &again.directory)?;
    let row = Row::default()
        .with("what", "a load that is killed (SIGKILL)")
        .with("kills", kills)
        .number("slowest_resume_s", slowest)
        .with("byte_identical", is_same)
        .wanted(
            "next checkpoint <= 1 s after the start, byte-identical",
            is_same && slowest <= 1.0,
        );
    report.row(row)?;
    fs::remove_file(&file)?;
    for directory in [&again.directory, &killed.directory] {
        fs::remove_dir_all(directory)?;
    }
    Ok(Loaded { directory: whole.directory, products })
}

fn whole_row(file: &Path, seconds: f64, peak_mib: f64, limited: bool) -> anyhow::Result<Row> {
    #[expect(clippy::cast_precision_loss, reason = "a size to show")]
    let megabytes = fs::metadata(file)?.len() as f64 / 1e6;
    let limit = if limited { "256 MiB" } else { "not permitted here" };
    // The target is for the whole file; of a part, the rate counts.
    let wanted = megabytes / 911.0 * 6.0;
    Ok(Row::default()
        .with("what", "a whole load, warm")
        .number("megabytes", megabytes)
        .number("seconds", seconds)
        .number("mb_per_s", megabytes / seconds)
        .number("peak_rss_mib", peak_mib)
        .with("memory_limit", limit)
        .wanted("911 MB in <= 6 s, RSS <= 96 MiB", seconds <= wanted && peak_mib <= 96.0))
}

async fn generate(file: &Path, products: u64) -> anyhow::Result<()> {
    let (products, path) = (products.to_string(), path_text(file)?);
    let arguments =
        ["catalogue", "generate", "--embeddings", "--products", &products, "--to", path];
    succeeded(Process::start("catalogue-generate", "toneup", &arguments, &[])?.ended().await?)
}

fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}

fn succeeded(status: ExitStatus) -> anyhow::Result<()> {
    ensure!(status.success(), "a command failed; the logs are in .local/bench");
    Ok(())
}

impl Load<'_> {
    /// Starts the loader; returns also its process id.
    fn start(&self) -> anyhow::Result<(Process, String)> {
        let program = std::env::current_exe()?.with_file_name("toneup");
        let mut command = Command::new("sh");
        // The shell moves itself into the group, and becomes the loader.
        let script = r#"if [ -n "$0" ]; then echo $$ > "$0"; fi; exec "$@""#;
        let group = self.limit.map(Limit::processes).unwrap_or_default();
        command.arg("-c").arg(script).arg(group).arg(program);
        command.args(["catalogue", "load-embeddings"]).arg(self.file);
        command.arg("--directory").arg(&self.directory);
        command.args(["--checkpoint", &self.checkpoint.to_string()]);
        command.stdout(output("catalogue-load")?);
        let process = Process::spawn("catalogue-load", command, &[])?;
        let id = process.id()?.to_string();
        Ok((process, id))
    }

    /// The records that a killed load would go on behind; `None` while there is no checkpoint.
    fn checkpoint(&self) -> Option<u64> {
        let text = fs::read(self.directory.join("loading/checkpoint.json")).ok()?;
        serde_json::from_slice::<Value>(&text).ok()?["records"].as_u64()
    }
}

/// Loads the whole file; returns the seconds, and the peak of the resident memory in MiB.
async fn measured(load: &Load<'_>) -> anyhow::Result<(f64, f64)> {
    let begun = Instant::now();
    let (mut process, id) = load.start()?;
    let mut peak = 0.0_f64;
    loop {
        if let Some(status) = process.has_ended()? {
            succeeded(status)?;
            return Ok((begun.elapsed().as_secs_f64(), peak));
        }
        peak = peak.max(memory_mib(&id, "VmHWM").unwrap_or(0.0));
        sleep(LOOK).await;
    }
}

/// Kills a load at points spread over the file, and lets it end. Returns the kills, and the longest time from a start to
/// the next checkpoint, in seconds.
async fn kill_again_and_again(
    load: &Load<'_>,
    products: u64,
    quick: bool,
) -> anyhow::Result<(u64, f64)> {
    let points = if quick { 3 } else { 10 };
    let (mut kills, mut slowest) = (0, 0.0_f64);
    for point in 1..=points {
        let begun = Instant::now();
        let before = load.checkpoint().unwrap_or(0);
        let (mut process, _) = load.start()?;
        let mut resumed = false;
        // Between two checkpoints, elsewhere each time.
        let pause = LOOK * (u32::try_from(point * 7 % 11)?);
        while load.checkpoint().unwrap_or(0) < products * point / (points + 1) || !resumed {
            ensure!(begun.elapsed() < PATIENCE, "the load does not get on");
            if load.checkpoint().is_some_and(|records| records > before) && !resumed {
                resumed = true;
                slowest = slowest.max(begun.elapsed().as_secs_f64());
            }
            if process.has_ended()?.is_some() {
                break;
            }
            sleep(LOOK).await;
        }
        sleep(pause).await;
        kills += u64::from(process.has_ended()?.is_none());
        process.kill().await;
    }
    load.start()?.0.ended().await.and_then(succeeded)?;
    Ok((kills, slowest))
}

/// True if two directories hold the same embeddings, byte for byte.
fn same(one: &Path, other: &Path) -> anyhow::Result<bool> {
    let read = |directory: &Path, name: &str| -> anyhow::Result<Vec<u8>> {
        let generation = Vectors::current(directory)?.context("no generation")?;
        Ok(fs::read(directory.join(generation).join(name))?)
    };
    for name in FILES {
        if read(one, name)? != read(other, name)? {
            return Ok(false);
        }
    }
    Ok(true)
}
