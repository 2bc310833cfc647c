//! Output of commands: the result to stdout, everything else to stderr.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::Context;
use clap::ColorChoice;
use serde::Serialize;

use crate::draw::{Ink, clean};
use crate::exit::ReaderGone;
use crate::progress::Progress;

/// Standard output and error of the process, with their capabilities.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    ink: Ink,
}

impl Output {
    /// Detects the terminals. `json`: print the result as one JSON document. `no_color`: the user's `NO_COLOR`,
    /// overridden by `--color always`.
    pub(crate) fn new(json: bool, color: ColorChoice, no_color: bool) -> Self {
        let in_color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !no_color && io::stdout().is_terminal(),
        };
        let ink = if in_color { Ink::Color } else { Ink::Plain };
        Self { json, ink }
    }

    /// Colours that the output may carry.
    pub(crate) fn ink(&self) -> Ink {
        self.ink
    }

    /// Writes the result: `document` with `--json`, otherwise the text that `text` renders.
    pub(crate) fn answer(
        &self,
        document: &impl Serialize,
        text: impl FnOnce(Ink) -> String,
    ) -> anyhow::Result<()> {
        let answer = if self.json {
            serde_json::to_string_pretty(document).context("writing the answer as JSON")?
        } else {
            text(self.ink)
        };
        let mut stdout = io::stdout().lock();
        let written = writeln!(stdout, "{}", answer.trim_end()).and_then(|()| stdout.flush());
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
            written => written.context("writing to stdout"),
        }
    }

    /// Writes a note that is not part of the result to stderr.
    pub(crate) fn note(&self, text: &str) {
        if !self.json || io::stderr().is_terminal() {
            to_stderr(text);
        }
    }

    /// Creates the progress display: animated on a terminal, lines elsewhere, nothing beside `--json` in a pipe.
    pub(crate) fn progress(&self) -> Progress {
        match (io::stderr().is_terminal(), self.json) {
            (true, _) => Progress::moving(),
            (false, false) => Progress::lines(),
            (false, true) => Progress::silent(),
        }
    }

    /// Reports the error of a failed command: one line, then its causes.
    #[expect(clippy::unused_self, reason = "all that is written goes through here")]
    pub(crate) fn error(&self, error: &anyhow::Error) {
        to_stderr(&describe(error));
    }
}

fn describe(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}", clean(&error.to_string()));
    let mut above = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Many errors repeat their source in their own message.
        if !above.contains(&cause) {
            text.push_str("\n  because: ");
            text.push_str(&clean(&cause));
        }
        above = cause;
    }
    text
}

/// Writes to stderr; a failure is ignored, since it could not be reported.
pub(crate) fn to_stderr(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_listed_once() {
        let error = anyhow::anyhow!("refused").context("connecting: refused").context("no luck");
        assert_eq!(describe(&error), "error: no luck\n  because: connecting: refused");
    }

    #[test]
    fn a_wish_for_no_colour_gives_way_to_a_demand_for_it() {
        assert_eq!(Output::new(false, ColorChoice::Auto, true).ink, Ink::Plain);
        assert_eq!(Output::new(false, ColorChoice::Always, true).ink, Ink::Color);
        assert_eq!(Output::new(false, ColorChoice::Never, false).ink, Ink::Plain);
    }
}
