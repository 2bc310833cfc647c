//! `toneup dead`: dead letters, that is, jobs that failed for a reason other than their request, and messages
//! dead-lettered by the broker.

use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use serde::Serialize;
use sqlx::{MySql, pool::PoolConnection};
use time::OffsetDateTime;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::store::dead_letters::{self, DeadLetter, Replay};
use toneup_jobs::store::transitions::{self, RecordedTransition};
use toneup_operate::actions::{self, ReplayedLetter, replay_letters};
use toneup_platform::database::Database;

use crate::database;
use crate::draw::{self, Ink};
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::snapshot::Acting;

/// Inspect dead letters in the database of `DATABASE_URL`, and replay or drop them
///
/// A dead letter is a job that failed for a reason other than its photo, or a message that the broker dead-lettered.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct DeadArgs {
    #[command(subcommand)]
    command: DeadCommand,
}

#[derive(Debug, Subcommand)]
enum DeadCommand {
    List(ListArgs),
    Show(ShowArgs),
    Replay(ReplayArgs),
    Drop(DropArgs),
}

/// List dead letters, newest first
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct ListArgs {
    /// Only dead letters with this reason
    #[arg(long)]
    reason: Option<String>,
    /// Most dead letters to list
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Show one dead letter with the history of its job
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct ShowArgs {
    /// Identifier of the dead letter
    number: u64,
}

/// Requeue jobs, with all their attempts; their owners are notified of the new outcome
///
/// A job that is still under way is published again; one that ended well, or was cancelled, stays as it is.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct ReplayArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    acting: Acting,
}

/// Delete dead letters; their jobs stay as they are
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct DropArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Identifiers of the dead letters
    numbers: Vec<u64>,
    /// All dead letters with this reason, at most 1000
    #[arg(long)]
    reason: Option<String>,
    /// All dead letters, at most 1000
    #[arg(long)]
    all: bool,
}

const HELP: &str = exit::help!(
    "toneup dead list",
    "toneup dead show 17",
    "toneup dead replay --reason ANALYZER_FAILED",
    "toneup dead drop 17 18",
);

/// Most dead letters processed by one command.
const MOST: u32 = 1000;

/// A dead letter as `--json` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LetterView {
    number: u64,
    source: String,
    job: Option<JobId>,
    reason: String,
    message: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<EntryView>,
}

/// An entry of a job's history as `--json` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    attempt: u16,
    kind: String,
    code: Option<String>,
    message: Option<String>,
}

impl From<RecordedTransition> for EntryView {
    fn from(entry: RecordedTransition) -> Self {
        let RecordedTransition { created_at: at, attempt, transition, code, message } = entry;
        Self { at, attempt, kind: transition, code, message }
    }
}

impl EntryView {
    /// Time and transition, the columns of a line of the timeline.
    pub(crate) fn text(&self) -> (String, String) {
        let mut what = format!("{}, attempt {}", self.kind.replace('_', " "), self.attempt);
        for more in self.code.iter().chain(&self.message) {
            what.push_str(": ");
            what.push_str(&draw::clean(more));
        }
        (draw::moment(self.at), what)
    }
}

impl From<DeadLetter> for LetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            number: letter.id,
            source: letter.source,
            job: letter.job_id,
            reason: letter.reason,
            message: letter.message,
            created_at: letter.created_at,
            history: Vec::new(),
        }
    }
}

/// Outcome for one dead letter, as `--json` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    number: u64,
    job: Option<JobId>,
    outcome: &'static str,
}

/// Runs `toneup dead` with these arguments.
pub(crate) async fn run(args: DeadArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = Database::from(database::connect(Duration::ZERO, output).await?);
    match args.command {
        DeadCommand::List(args) => list(&args, &pool, output).await,
        DeadCommand::Show(args) => show(&args, &pool, output).await,
        DeadCommand::Replay(args) => replay(&args, &pool, output).await,
        DeadCommand::Drop(args) => drop_letters(&args, &pool, output).await,
    }
}

async fn connection(pool: &Database) -> anyhow::Result<PoolConnection<MySql>> {
    pool.acquire().await.context("cannot connect to the database")
}

async fn list(args: &ListArgs, pool: &Database, output: &Output) -> anyhow::Result<Ending> {
    let found =
        dead_letters::list(&mut *connection(pool).await?, args.reason.as_deref(), args.limit).await;
    let letters: Vec<LetterView> =
        found.map_err(database::explain)?.into_iter().map(LetterView::from).collect();
    output.answer(&letters, |ink| list_text(&letters, ink))?;
    Ok(Ending::Done)
}

fn list_text(letters: &[LetterView], ink: Ink) -> String {
    if letters.is_empty() {
        return "no dead letters".to_owned();
    }
    let row = |letter: &LetterView| {
        let job = letter.job.map_or_else(|| "-".to_owned(), |job| job.0.to_string());
        [
            letter.number.to_string(),
            letter.source.clone(),
            draw::clean(&letter.reason),
            job,
            draw::moment(letter.created_at),
        ]
    };
    let rows: Vec<_> = letters.iter().map(|letter| (Status::Failed, row(letter))).collect();
    draw::table(["NUMBER", "SOURCE", "REASON", "JOB", "SINCE (UTC)"], &rows, ink)
}

async fn show(args: &ShowArgs, pool: &Database, output: &Output) -> anyhow::Result<Ending> {
    let mut connection = connection(pool).await?;
    let letter =
        dead_letters::find(&mut connection, args.number).await.map_err(database::explain)?;
    let letter = letter.ok_or_else(|| anyhow!("there is no dead letter {}", args.number))?;
    let mut view = LetterView::from(letter);
    if let Some(job) = view.job {
        let history = transitions::read(&mut connection, job).await.map_err(database::explain)?;
        view.history = history.into_iter().map(EntryView::from).collect();
    }
    output.answer(&view, |ink| show_text(&view, ink))?;
    Ok(Ending::Done)
}

fn show_text(letter: &LetterView, ink: Ink) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| draw::line(&mut text, ink, label, value);
    line("number", &letter.number.to_string());
    line("source", &letter.source);
    line("reason", &draw::clean(&letter.reason));
    line("message", &draw::clean(&letter.message));
    line("since", &draw::moment(letter.created_at));
    if let Some(job) = letter.job {
        line("job", &format!("{}  (toneup jobs show {0})", job.0));
    }
    for entry in &letter.history {
        let (at, what) = entry.text();
        line(&at, &what);
    }
    text
}

/// Reads the dead letters that a command selects.
async fn chosen(which: &Which, pool: &Database) -> anyhow::Result<Vec<DeadLetter>> {
    let mut connection = connection(pool).await?;
    if which.numbers.is_empty() {
        let found = dead_letters::list(&mut connection, which.reason.as_deref(), MOST).await;
        return found.map_err(database::explain);
    }
    let mut letters = Vec::new();
    for number in &which.numbers {
        let found =
            dead_letters::find(&mut connection, *number).await.map_err(database::explain)?;
        letters.push(found.ok_or_else(|| anyhow!("there is no dead letter {number}"))?);
    }
    Ok(letters)
}

async fn replay(args: &ReplayArgs, pool: &Database, output: &Output) -> anyhow::Result<Ending> {
    let numbers: Vec<u64> = chosen(&args.which, pool).await?.iter().map(|one| one.id).collect();
    let replayed = replay_letters(pool, args.acting.actor(), &numbers).await;
    let all_done: Vec<Done> =
        replayed.map_err(database::explain)?.into_iter().map(Done::from).collect();
    answer(&all_done, output)
}

impl From<ReplayedLetter> for Done {
    fn from(ReplayedLetter { number, job, outcome }: ReplayedLetter) -> Self {
        let outcome = match outcome {
            None => "unreadable",
            Some(Replay::Queued) => "queued",
            Some(Replay::Republished) => "republished",
            Some(Replay::Ended(status)) => status.as_str(),
            Some(Replay::Missing) => "missing",
        };
        Self { number, job, outcome }
    }
}

async fn drop_letters(args: &DropArgs, pool: &Database, output: &Output) -> anyhow::Result<Ending> {
    let letters = chosen(&args.which, pool).await?;
    let numbers: Vec<u64> = letters.iter().map(|letter| letter.id).collect();
    let dropped = actions::drop_letters(pool, args.acting.actor(), &numbers).await;
    dropped.map_err(database::explain)?;
    let done =
        |letter: DeadLetter| Done { number: letter.id, job: letter.job_id, outcome: "dropped" };
    answer(&letters.into_iter().map(done).collect::<Vec<_>>(), output)
}

fn answer(all_done: &[Done], output: &Output) -> anyhow::Result<Ending> {
    output.answer(&all_done, |_| {
        if all_done.is_empty() {
            return "no dead letters".to_owned();
        }
        let lines = all_done.iter().map(|done| {
            let job = done.job.map_or_else(|| "-".to_owned(), |job| job.0.to_string());
            format!("{}  {job}  {}", done.number, done.outcome)
        });
        lines.collect::<Vec<_>>().join("\n")
    })?;
    Ok(Ending::Done)
}
