//! `toneup status`: an overview of the system.

use std::time::Duration;

use clap::Args;

use crate::database;
use crate::draw::{self, Ink};
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::snapshot::{self, Snapshot};

/// Show an overview of the queue, the throughput, the analyzers and the replicas
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct StatusArgs {
    /// Exit with 1 if something needs attention: no worker, a paused intake, an unavailable analyzer, dead letters
    #[arg(long)]
    check: bool,
}

const HELP: &str = exit::help!(
    "toneup status",
    "toneup status --check || page-on-call",
    "toneup status --json | jq .queue.queued",
);

/// Runs `toneup status` with these arguments.
pub(crate) async fn run(args: &StatusArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = database::connect(Duration::ZERO, output).await?;
    let snapshot = snapshot::take(&pool, &snapshot::registry()?).await?;
    output.answer(&snapshot, |ink| text(&snapshot, ink))?;
    let ill = args.check && !snapshot.troubles().is_empty();
    Ok(if ill { Ending::ProblemFound } else { Ending::Done })
}

fn text(snapshot: &Snapshot, ink: Ink) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| draw::line(&mut text, ink, label, value);
    let queue = &snapshot.queue;
    let seconds = |seconds: f64| draw::span(time::Duration::seconds_f64(seconds));
    let perhaps = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), seconds);
    line(
        "queue",
        &format!(
            "{} queued, {} held back, {} running, {} overdue",
            queue.queued, queue.held, queue.running, queue.due
        ),
    );
    line("oldest", &format!("waits for {}", seconds(queue.oldest_seconds)));
    line("rate", &format!("{:.2} jobs per second", snapshot.per_second));
    line(
        "latency",
        &format!("50 % {}, 95 % {}", perhaps(snapshot.p50_seconds), perhaps(snapshot.p95_seconds)),
    );
    for analyzer in &snapshot.analyzers {
        let state = if analyzer.breaker_open { ", away" } else { "" };
        let at_work = format!("{} of {} in flight{state}", analyzer.in_flight, analyzer.limit);
        line("analyzer", &format!("{}: {at_work}", draw::clean(&analyzer.instance)));
    }
    let replicas = snapshot.replicas.as_ref();
    let total = replicas.map_or_else(|| "unknown".to_owned(), |all| all.len().to_string());
    let workers = snapshot.workers().unwrap_or_default();
    line("replicas", &format!("{total}, {workers} of them workers"));
    let troubles = snapshot.troubles();
    line("trouble", &if troubles.is_empty() { "none".to_owned() } else { troubles.join("; ") });
    text
}
