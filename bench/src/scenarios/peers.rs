//! Job queues whose concurrency is set by hand, from the harness of peers where it lies beside the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::report::Row;
use crate::site::process::output;
use crate::site::repository;

/// Half, exactly and four times the 8 slots of the burst.
const CONCURRENCY: [u32; 3] = [4, 8, 32];
const CONTENDERS: [&str; 2] = ["celery", "bullmq"];

/// The burst by the first peer that is set up: rows, or the reason why there are none.
pub(super) async fn burst(quick: bool) -> anyhow::Result<Vec<Result<Row, String>>> {
    let left_out = |who: &str, why: &str| Err(format!("peer={who} left out: {why}"));
    if quick {
        return Ok(vec![left_out("all", "a quick run")]);
    }
    let harness = repository().join("../shared/peers");
    let Some(contender) = CONTENDERS.into_iter().find(|peer| is_ready(&harness, peer)) else {
        let why = "the harness of peers is not set up beside the project";
        return Ok(CONTENDERS.map(|peer| left_out(peer, why)).into());
    };
    let mut outcomes = Vec::new();
    for concurrency in CONCURRENCY {
        let measured = measure(&harness, contender, concurrency).await;
        outcomes.push(measured.or_else(|error| left_out(contender, &format!("{error:#}"))));
    }
    Ok(outcomes)
}

fn is_ready(harness: &Path, contender: &str) -> bool {
    let needs = match contender {
        "bullmq" => "bullmq/node_modules",
        _ => "venv/bin/celery",
    };
    ["run.sh", "rust/target/release/loadgen", needs].iter().all(|path| harness.join(path).exists())
}

async fn measure(harness: &Path, contender: &str, concurrency: u32) -> anyhow::Result<Row> {
    let tag = format!("toneup-{concurrency}");
    let results = harness.join("results/s2");
    let before = newest(&results, &format!("{contender}-{tag}-"));
    let ran = Command::new(harness.join("run.sh"))
        .args(["s2", contender])
        .env("CONCURRENCY", concurrency.to_string())
        .env("TAG", &tag)
        .stdin(Stdio::null())
        .stdout(output("peers")?)
        .stderr(output("peers")?)
        .kill_on_drop(true)
        .status()
        .await?;
    ensure!(ran.success(), "run.sh failed; its log is .local/bench/peers.log");
    let after = newest(&results, &format!("{contender}-{tag}-"));
    let path = after.filter(|path| before.as_ref() != Some(path)).context("no result")?;
    let result: Value = serde_json::from_slice(&fs::read(path)?)?;
    let number =
        |pointer: &str| result.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
    Ok(Row::default()
        .with("design", contender)
        .with("set_by_hand", concurrency)
        .with("headers", "off")
        .number("goodput", number("/analyzer/goodput_utilisation"))
        .number("utilisation", number("/analyzer/utilisation"))
        .count("max_in_flight", number("/analyzer/max_inflight"))
        .number("median_s", number("/e2e_ms/p50") / 1e3)
        .number("p95_s", number("/e2e_ms/p95") / 1e3)
        .number("max_s", number("/e2e_ms/max") / 1e3))
}

/// The result that was written last.
fn newest(folder: &Path, prefix: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    ours.max_by_key(|entry| entry.metadata().and_then(|data| data.modified()).ok())
        .map(|entry| entry.path())
}
