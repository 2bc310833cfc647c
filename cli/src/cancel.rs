//! `toneup cancel`: withdraws an analysis, queued or running.

use anyhow::Context;
use clap::Args;
use uuid::Uuid;

use crate::exit::{self, Ending};
use crate::output::Output;
use crate::submit::ServerArgs;

/// Cancel an analysis that has not ended
///
/// Needs the token of the user who submitted it. Cancelling it again changes nothing.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct CancelArgs {
    /// The analysis, as `toneup submit` names it
    id: Uuid,
    #[command(flatten)]
    server: ServerArgs,
}

const HELP: &str = exit::help!("TONEUP_TOKEN=… toneup cancel 019ab2c4-5d7e-7c3a-9b1f-2a4c6e8f0a1b");

/// Cancels the analysis that the arguments name.
pub(crate) async fn run(args: CancelArgs, output: &Output) -> anyhow::Result<Ending> {
    let client = args.server.client()?;
    anyhow::ensure!(
        client.is_signed_in(),
        "a token is needed to cancel an analysis: set TONEUP_TOKEN or give --token"
    );
    let cancelled = client.cancel(args.id).await;
    let cancelled = cancelled.with_context(|| format!("cannot cancel analysis {}", args.id))?;
    output.answer(&cancelled.document, |_| format!("cancelled {}", cancelled.id))?;
    Ok(Ending::Done)
}
