//! Progress display: a bar for an upload or a long work, or a line with the state of the analysis.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output::to_stderr;

const UPLOAD_STYLE: &str = "{spinner} {prefix}uploading [{bar:30}] {bytes} of {total_bytes}";
const WAIT_STYLE: &str = "{spinner} {prefix}{msg} {elapsed:.dim}";
const BYTES_STYLE: &str =
    "{spinner} [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
const ROWS_STYLE: &str = "{spinner} [{bar:30}] {human_pos} of {human_len}, {per_sec}, {eta} left";
const TICK: Duration = Duration::from_millis(100);

/// Progress display on stderr.
#[derive(Debug)]
pub(crate) struct Progress {
    mode: Mode,
    /// Text shown last, which is not repeated.
    said: String,
    /// Label of the work in progress, where it is not evident; prefixed to every text.
    prefix: String,
    /// The bars among which these are.
    group: Option<MultiProgress>,
}

/// What a long work is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Bytes,
    Rows,
}

#[derive(Debug)]
enum Mode {
    Moving(ProgressBar),
    Lines,
    Silent,
}

impl Progress {
    /// Creates an animated display, for a terminal.
    pub(crate) fn moving() -> Self {
        Self::new(Mode::Moving(ProgressBar::hidden()))
    }

    /// Creates a display of one line per change, for a log.
    pub(crate) fn lines() -> Self {
        Self::new(Mode::Lines)
    }

    /// Creates a display that shows nothing.
    pub(crate) fn silent() -> Self {
        Self::new(Mode::Silent)
    }

    fn new(mode: Mode) -> Self {
        Self { mode, said: String::new(), prefix: String::new(), group: None }
    }

    /// One of several, each of which has a bar of its own and is told apart by its name.
    pub(crate) fn among(mut self, group: &MultiProgress, name: &str) -> Self {
        self.prefix = format!("{name}: ");
        self.group = Some(group.clone());
        self
    }

    /// Shows an upload of `total_bytes`. The returned function takes the bytes sent so far; a smaller number starts a
    /// new attempt.
    pub(crate) fn upload(
        &mut self,
        total_bytes: u64,
    ) -> impl Fn(u64) + Clone + Send + Sync + 'static {
        if matches!(self.mode, Mode::Lines) {
            self.say(&format!("uploading {}", indicatif::HumanBytes(total_bytes)));
        }
        let bar = self.replace_bar(|| ProgressBar::new(total_bytes), UPLOAD_STYLE);
        move |sent_bytes| {
            if let Some(bar) = &bar {
                bar.set_position(sent_bytes);
            }
        }
    }

    /// Shows a long work with its rate and the time left, if its `total` is known. The returned function takes how much is
    /// done; in a log, each tenth is a line.
    pub(crate) fn work(&mut self, total: Option<u64>, unit: Work) -> impl FnMut(u64) + use<> {
        let style = match unit {
            Work::Bytes => BYTES_STYLE,
            Work::Rows => ROWS_STYLE,
        };
        let bar = match total {
            Some(total) => self.replace_bar(|| ProgressBar::new(total), style),
            None => self.replace_bar(ProgressBar::new_spinner, "{spinner} {human_pos} {per_sec}"),
        };
        let is_log = matches!(self.mode, Mode::Lines);
        let mut tenths = 0;
        move |done| {
            if let Some(bar) = &bar {
                bar.set_position(done);
            }
            let reached = total.filter(|total| *total > 0).map_or(0, |total| done * 10 / total);
            if is_log && reached > tenths {
                tenths = reached;
                to_stderr(&format!("{} %", tenths * 10));
            }
        }
    }

    /// Shows a state, unless it was shown last.
    pub(crate) fn say(&mut self, text: &str) {
        if text == self.said {
            return;
        }
        text.clone_into(&mut self.said);
        match &self.mode {
            Mode::Moving(bar) => bar.set_message(text.to_owned()),
            Mode::Lines => to_stderr(&format!("{}{text}", self.prefix)),
            Mode::Silent => {}
        }
    }

    /// Switches from the bar to waiting, with a text.
    pub(crate) fn wait(&mut self, text: &str) {
        self.replace_bar(ProgressBar::new_spinner, WAIT_STYLE);
        self.say(text);
    }

    fn replace_bar(
        &mut self,
        bar: impl FnOnce() -> ProgressBar,
        style: &str,
    ) -> Option<ProgressBar> {
        let Mode::Moving(old) = &mut self.mode else { return None };
        old.finish_and_clear();
        let bar = bar().with_prefix(self.prefix.clone());
        let bar = match &self.group {
            Some(group) => group.add(bar),
            None => bar,
        };
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        *old = bar.clone();
        Some(bar)
    }
}

impl Drop for Progress {
    /// Clears the line, so that neither the result nor an error follows a spinner.
    fn drop(&mut self) {
        if let Mode::Moving(bar) = &self.mode {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_styles_are_well_formed() {
        assert!(ProgressStyle::with_template(UPLOAD_STYLE).is_ok());
        assert!(ProgressStyle::with_template(WAIT_STYLE).is_ok());
        assert!(ProgressStyle::with_template(BYTES_STYLE).is_ok());
        assert!(ProgressStyle::with_template(ROWS_STYLE).is_ok());
    }

    #[test]
    fn what_was_said_is_remembered() {
        let mut progress = Progress::silent();
        progress.say("queued");
        assert_eq!(progress.said, "queued");
        progress.upload(10)(5);
    }
}
