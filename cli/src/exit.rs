//! End of a command: the exit codes that scripts rely on, and the errors behind them.

use std::process::ExitCode;

use crate::output::Output;

/// Text below a command's `--help`: examples, then the exit codes.
macro_rules! help {
    ($($example:literal),* $(,)?) => {
        concat!(
            "Examples:\n",
            $("  ", $example, "\n",)*
            "\nExit codes:\n",
            "  0  done\n",
            "  1  the analysis failed, the command did, or a check or an import found something wrong\n",
            "  2  wrong usage\n",
            "  3  the server, or a service behind it, could not be reached",
        )
    };
}
pub(crate) use help;

const FAILED: u8 = 1;
const UNREACHABLE: u8 = 3;

/// Result of a command that ran without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Success, exit code 0.
    Done,
    /// The analysis ended without a result; this has been shown already.
    AnalysisFailed,
    /// A check found a problem; this has been shown already.
    ProblemFound,
}

/// Error: a server does not respond, or reports that it is unavailable.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach {what}")]
pub(crate) struct Unreachable {
    what: String,
    source: anyhow::Error,
}

impl Unreachable {
    /// Creates the error that `what` is unavailable because of `cause`.
    pub(crate) fn new(what: impl Into<String>, cause: impl Into<anyhow::Error>) -> Self {
        Self { what: what.into(), source: cause.into() }
    }
}

/// Error: the reader of our stdout has closed it, as `head` does, so that no message is needed.
#[derive(Debug, thiserror::Error)]
#[error("stdout is closed")]
pub(crate) struct ReaderGone;

/// Reports an error, and returns the process's exit code.
pub(crate) fn code(ended: anyhow::Result<Ending>, output: &Output) -> ExitCode {
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::AnalysisFailed | Ending::ProblemFound) => ExitCode::from(FAILED),
        Err(error) if error.is::<ReaderGone>() => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            let caused = error.chain().any(<dyn std::error::Error>::is::<Unreachable>);
            let code = if caused || error.is::<Unreachable>() { UNREACHABLE } else { FAILED };
            ExitCode::from(code)
        }
    }
}
