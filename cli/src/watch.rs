//! `toneup watch`: watches an analysis until it ends and shows its result.

use anyhow::Context;
use clap::Args;
use toneup_jobs::job::Status;
use uuid::Uuid;

use crate::client::{Analysis, Client};
use crate::draw::{self, Ink};
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::progress::Progress;
use crate::submit::ServerArgs;

/// Watch an analysis until it ends and show the result
///
/// Needs the token of the user who submitted it.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct WatchArgs {
    /// Identifier of the analysis, as `toneup submit` prints it
    id: Uuid,
    #[command(flatten)]
    server: ServerArgs,
}

const HELP: &str = exit::help!(
    "TONEUP_TOKEN=… toneup watch 019ab2c4-5d7e-7c3a-9b1f-2a4c6e8f0a1b",
    "TONEUP_TOKEN=… toneup watch 019ab2c4-5d7e-7c3a-9b1f-2a4c6e8f0a1b --json --timeout 10m",
);

/// Runs `toneup watch` with these arguments.
pub(crate) async fn run(args: WatchArgs, output: &Output) -> anyhow::Result<Ending> {
    let client = args.server.client()?;
    anyhow::ensure!(
        client.is_signed_in(),
        "a token is needed to watch an analysis: set TONEUP_TOKEN or give --token"
    );
    let mut progress = output.progress();
    progress.wait("connecting");
    follow(&client, args.id, progress, output).await
}

/// Watches an analysis, showing each change, and returns its end.
pub(crate) async fn follow(
    client: &Client,
    id: Uuid,
    progress: Progress,
    output: &Output,
) -> anyhow::Result<Ending> {
    let ended = to_the_end(client, id, progress).await?;
    output.answer(&ended.document, |ink| ended_text(&ended, ink))?;
    Ok(ending(&ended))
}

/// Returns the exit status for an analysis that has ended.
pub(crate) fn ending(ended: &Analysis) -> Ending {
    if ended.status == Status::Succeeded { Ending::Done } else { Ending::AnalysisFailed }
}

/// Follows an analysis, showing each change; how it ended.
pub(crate) async fn to_the_end(
    client: &Client,
    id: Uuid,
    mut progress: Progress,
) -> anyhow::Result<Analysis> {
    let tell = |analysis: &Analysis| {
        // The end is drawn; it need not be said as well.
        if !analysis.status.is_terminal() {
            progress.say(&standing(analysis));
        }
    };
    let ended = client.watch(id, tell).await;
    ended.with_context(|| format!("cannot watch analysis {id}"))
}

/// Renders the state of an analysis in one line.
pub(crate) fn standing(analysis: &Analysis) -> String {
    let Analysis { status, attempt, queue_position, estimated_wait_seconds, .. } = analysis;
    draw::standing(*status, *attempt, *queue_position, *estimated_wait_seconds)
}

/// Describes the outcome of an analysis.
pub(crate) fn ended_text(ended: &Analysis, ink: Ink) -> String {
    let mut text = match &ended.result {
        Some(result) => draw::result(result, ink),
        None => draw::failure(ended.status, ended.error.as_ref(), ink),
    };
    if let (Some(created), Some(finished)) = (ended.created_at, ended.finished_at) {
        draw::line(&mut text, ink, "took", &draw::span(finished - created));
    }
    text
}
