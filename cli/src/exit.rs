//! How a command ends: the exit codes that scripts rely on, and the errors behind them.

use std::process::ExitCode;

use crate::output::Output;

/// What stands below a command's `--help`: examples, then the exit codes.
macro_rules! help {
    ($($example:literal),* $(,)?) => {
        concat!(
            "Examples:\n",
            $("  ", $example, "\n",)*
            "\nExit codes:\n",
            "  0  done\n",
            "  1  the analysis failed, the command did, or `status --check` found something\n",
            "  2  wrong usage\n",
            "  3  the server, or a service behind it, could not be reached",
        )
    };
}
pub(crate) use help;

const FAILED: u8 = 1;
const UNREACHABLE: u8 = 3;

/// The end of a command that did what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is well.
    Done,
    /// The analysis has no result; this has been shown already.
    AnalysisFailed,
    /// Something needs a look; this has been shown already.
    NeedsALook,
}

/// A server or service does not answer, or says that it cannot work now.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach {what}")]
pub(crate) struct Unreachable {
    what: String,
    source: anyhow::Error,
}

impl Unreachable {
    /// `what` does not answer, because of `cause`.
    pub(crate) fn new(what: impl Into<String>, cause: impl Into<anyhow::Error>) -> Self {
        Self { what: what.into(), source: cause.into() }
    }
}

/// Whoever read our stdout has gone, as `head` does: there is nobody left to tell.
#[derive(Debug, thiserror::Error)]
#[error("stdout is closed")]
pub(crate) struct ReaderGone;

/// Reports an error, and gives the code to exit with.
pub(crate) fn code(ended: anyhow::Result<Ending>, output: &Output) -> ExitCode {
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::AnalysisFailed | Ending::NeedsALook) => ExitCode::from(FAILED),
        Err(error) if error.is::<ReaderGone>() => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            let caused = error.chain().any(<dyn std::error::Error>::is::<Unreachable>);
            let code = if caused || error.is::<Unreachable>() { UNREACHABLE } else { FAILED };
            ExitCode::from(code)
        }
    }
}
