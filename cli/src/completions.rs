//! `toneup completions`: completion scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::Cli;
use crate::exit::{self, Ending};
use crate::output::Output;

/// Print a script that completes `toneup` in a shell
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct CompletionsArgs {
    /// Shell that the script is for
    shell: Shell,
}

const HELP: &str = exit::help!(
    "toneup completions bash > /etc/bash_completion.d/toneup",
    "toneup completions zsh > ~/.zfunc/_toneup",
);

/// Runs `toneup completions` with these arguments.
pub(crate) fn run(args: &CompletionsArgs, output: &Output) -> anyhow::Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "toneup", &mut script);
    let script = String::from_utf8(script)?;
    output.answer(&json!({ "script": script }), |_| script.clone())?;
    Ok(Ending::Done)
}
