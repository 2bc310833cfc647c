//! `toneup top`: a live view of the system on a terminal.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row, Sparkline, Table};
use tokio::time::sleep;

use crate::draw::Ink;
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::snapshot::{self, Snapshot};
use crate::{database, draw, workers};

/// Watch the queue, the throughput, the analyzers and the replicas live; q quits
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct TopArgs {
    /// Interval of the updates
    #[arg(long, default_value = "1s", value_parser = parse_pause)]
    every: Duration,
    /// Print one snapshot as text and exit: for scripts and screenshots
    #[arg(long)]
    once: bool,
}

const HELP: &str = exit::help!("toneup top", "toneup top --every 250ms", "toneup top --once");

/// Shortest interval of the updates: each queries the database.
const SHORTEST: Duration = Duration::from_millis(100);
/// Number of snapshots kept, enough for a wide terminal.
const KEPT: usize = 240;
/// Interval at which keys are polled.
const KEYS: Duration = Duration::from_millis(50);

fn parse_pause(text: &str) -> Result<Duration, String> {
    let pause = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if pause < SHORTEST { Err(format!("expected at least {SHORTEST:?}")) } else { Ok(pause) }
}

/// Snapshots taken so far.
#[derive(Debug, Default)]
struct Seen {
    queue: VecDeque<u64>,
    rate: VecDeque<u64>,
    in_flight: VecDeque<u64>,
    latest: Option<Snapshot>,
    trouble: Option<String>,
}

impl Seen {
    fn note(&mut self, snapshot: Snapshot) {
        let push = |history: &mut VecDeque<u64>, value: u64| {
            if history.len() >= KEPT {
                history.pop_front();
            }
            history.push_back(value);
        };
        let queue = &snapshot.queue;
        push(&mut self.queue, (queue.queued + queue.held).max(0).unsigned_abs());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate in hundredths, for a bar"
        )]
        push(&mut self.rate, (snapshot.per_second * 100.0).max(0.0) as u64);
        let in_flight = snapshot.analyzers.iter().map(|view| u64::from(view.in_flight)).sum();
        push(&mut self.in_flight, in_flight);
        self.trouble = None;
        self.latest = Some(snapshot);
    }
}

/// Runs `toneup top` with these arguments.
pub(crate) async fn run(args: &TopArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = database::connect(Duration::ZERO, output).await?;
    let registry = snapshot::registry()?;
    let mut seen = Seen::default();
    seen.note(snapshot::take(&pool, &registry).await?);
    if args.once {
        output.answer(&seen.latest, |_| as_text(&seen))?;
        return Ok(Ending::Done);
    }
    ensure!(std::io::stdout().is_terminal(), "top needs a terminal; see --once and toneup status");
    let mut terminal = ratatui::try_init().context("preparing the terminal")?;
    let ended = async {
        loop {
            terminal.draw(|frame| paint(frame, &seen, output.ink())).context("drawing")?;
            if wait(args.every).await? {
                return Ok(Ending::Done);
            }
            match snapshot::take(&pool, &registry).await {
                Ok(snapshot) => seen.note(snapshot),
                // The last snapshot stays on the screen, marked as outdated.
                Err(error) => seen.trouble = Some(format!("{error:#}")),
            }
        }
    }
    .await;
    ratatui::try_restore().context("restoring the terminal")?;
    ended
}

/// Waits for the next update; `true` if the user quits.
async fn wait(pause: Duration) -> anyhow::Result<bool> {
    let mut left = pause;
    loop {
        while event::poll(Duration::ZERO).context("reading keys")? {
            let Event::Key(KeyEvent { code, modifiers, .. }) = event::read()? else { continue };
            let interrupted =
                code == KeyCode::Char('c') && modifiers.contains(KeyModifiers::CONTROL);
            if interrupted || matches!(code, KeyCode::Char('q') | KeyCode::Esc) {
                return Ok(true);
            }
        }
        if left.is_zero() {
            return Ok(false);
        }
        let step = left.min(KEYS);
        sleep(step).await;
        left -= step;
    }
}

/// Renders one frame as text.
fn as_text(seen: &Seen) -> String {
    let backend = ratatui::backend::TestBackend::new(110, 24);
    let Ok(mut terminal) = ratatui::Terminal::new(backend);
    let Ok(_) = terminal.draw(|frame| draw(frame, seen));
    let buffer = terminal.backend().buffer();
    let lines = buffer.content().chunks(usize::from(buffer.area.width).max(1));
    let line = |cells: &[ratatui::buffer::Cell]| {
        let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned()
    };
    lines.map(line).collect::<Vec<_>>().join("\n")
}

/// Draws, in colours or without.
fn paint(frame: &mut Frame<'_>, seen: &Seen, ink: Ink) {
    draw(frame, seen);
    if ink == Ink::Plain {
        for cell in &mut frame.buffer_mut().content {
            cell.fg = Color::Reset;
        }
    }
}

fn draw(frame: &mut Frame<'_>, seen: &Seen) {
    let Some(snapshot) = &seen.latest else { return };
    let [head, charts, analyzers, replicas, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(7),
        Constraint::Length(u16::try_from(snapshot.analyzers.len()).unwrap_or(8).clamp(1, 8) + 3),
        Constraint::Min(4),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(heading(snapshot), head);
    draw_charts(frame, seen, snapshot, charts);
    draw_analyzers(frame, snapshot, analyzers);
    draw_replicas(frame, snapshot, replicas);
    let (text, color) = match (&seen.trouble, snapshot.troubles()) {
        (Some(trouble), _) => (draw::clean(trouble), Color::Red),
        (None, troubles) if troubles.is_empty() => {
            ("all is well; q leaves".to_owned(), Color::Green)
        }
        (None, troubles) => (troubles.join("; "), Color::Yellow),
    };
    frame.render_widget(Paragraph::new(text).style(Style::new().fg(color)), foot);
}

fn heading(snapshot: &Snapshot) -> Paragraph<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let seconds = |seconds: f64| draw::span(time::Duration::seconds_f64(seconds));
    let perhaps = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), seconds);
    let queue = &snapshot.queue;
    let facts = [
        ("queued", queue.queued.to_string()),
        ("held", queue.held.to_string()),
        ("running", queue.running.to_string()),
        ("oldest", seconds(queue.oldest_seconds)),
        ("jobs/s", format!("{:.2}", snapshot.per_second)),
        ("50 %", perhaps(snapshot.p50_seconds)),
        ("95 %", perhaps(snapshot.p95_seconds)),
        ("dead", snapshot.dead_letters.to_string()),
    ];
    let spans = facts.into_iter().flat_map(|(name, value)| {
        [Span::raw(format!(" {name} ")), Span::styled(format!("{value} "), bold)]
    });
    let line: Line<'static> = spans.collect();
    let title = if snapshot.intake_paused { " toneup, intake paused " } else { " toneup " };
    Paragraph::new(line).block(Block::bordered().title(title))
}

fn draw_charts(frame: &mut Frame<'_>, seen: &Seen, snapshot: &Snapshot, area: Rect) {
    let limit: u32 = snapshot.analyzers.iter().map(|view| view.limit).sum();
    let in_flight = seen.in_flight.back().copied().unwrap_or_default();
    let charts = [
        (" waiting ".to_owned(), &seen.queue, Color::Blue),
        (" jobs per second ".to_owned(), &seen.rate, Color::Green),
        (format!(" at the analyzers: {in_flight} of {limit} "), &seen.in_flight, Color::Magenta),
    ];
    let areas: [Rect; 3] = Layout::horizontal([Constraint::Fill(1); 3]).areas(area);
    for ((title, history, color), area) in charts.into_iter().zip(areas) {
        // The newest that fit, at the right.
        let width = usize::from(area.width.saturating_sub(2));
        let newest = history.iter().skip(history.len().saturating_sub(width)).copied();
        let missing = width.saturating_sub(history.len());
        let data: Vec<u64> = std::iter::repeat_n(0, missing).chain(newest).collect();
        let line = Sparkline::default().data(data).style(Style::new().fg(color));
        frame.render_widget(line.block(Block::bordered().title(title)), area);
    }
}

fn draw_analyzers(frame: &mut Frame<'_>, snapshot: &Snapshot, area: Rect) {
    let rows = snapshot.analyzers.iter().map(|view| {
        let color = if view.breaker_open { Color::Red } else { Color::Reset };
        Row::new([
            draw::clean(&view.instance),
            if view.breaker_open { "away" } else { "ready" }.to_owned(),
            view.slots.map_or_else(|| "-".to_owned(), |slots| slots.to_string()),
            view.limit.to_string(),
            view.in_flight.to_string(),
        ])
        .style(Style::new().fg(color))
    });
    let widths = [
        Constraint::Fill(2),
        Constraint::Fill(1),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(10),
    ];
    let table = Table::new(rows, widths)
        .header(Row::new(["ANALYZER", "STATE", "SLOTS", "LIMIT", "IN FLIGHT"]).style(dim()));
    frame.render_widget(table.block(Block::bordered()), area);
}

fn draw_replicas(frame: &mut Frame<'_>, snapshot: &Snapshot, area: Rect) {
    let replicas = snapshot.replicas.as_deref().unwrap_or_default();
    let rows = replicas.iter().map(|replica| {
        let [id, rest @ ..] = workers::row(replica);
        // The first part tells random ids apart.
        let short = id.chars().take(8).collect::<String>();
        Row::new(std::iter::once(short).chain(rest))
    });
    let widths = [
        Constraint::Length(9),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(9),
        Constraint::Fill(1),
        Constraint::Length(12),
        Constraint::Fill(2),
    ];
    let header = ["ID", "PROGRAM", "STATE", "VERSION", "HOST", "UP", "LOAD"];
    let table = Table::new(rows, widths).header(Row::new(header).style(dim()));
    frame.render_widget(table.block(Block::bordered()), area);
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_no_spin() {
        assert_eq!(parse_pause("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_pause("0s").unwrap_err(), "expected at least 100ms");
        assert!(parse_pause("soon").is_err());
    }
}
