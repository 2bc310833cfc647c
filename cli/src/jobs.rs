//! `toneup jobs`: the jobs of all users, as stored in the database.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde::Serialize;
use time::OffsetDateTime;
use toneup_colour::analysis::ANALYSIS;
use toneup_colour::result::AnalysisResult;
use toneup_jobs::document::Document;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::outcome::JobError;
use toneup_jobs::store::read::{self, Job};
use toneup_jobs::store::search::{Search, search};
use toneup_jobs::store::transitions;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::database;
use crate::dead::EntryView;
use crate::draw::{self, Ink};
use crate::exit::{self, Ending};
use crate::output::Output;

/// Inspect the jobs in the database of `DATABASE_URL`
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    command: JobsCommand,
}

#[derive(Debug, Subcommand)]
enum JobsCommand {
    List(ListArgs),
    Show(ShowArgs),
}

/// List jobs, newest first
///
/// "took" is the time from submission to end.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct ListArgs {
    /// Kind of the jobs
    #[arg(long, default_value = ANALYSIS)]
    kind: String,
    /// Only jobs in this state
    #[arg(long, value_parser = PossibleValuesParser::new(STATUSES.map(Status::as_str)).map(status_named))]
    status: Option<Status>,
    /// Most jobs to list
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only jobs older than this one: the last of the list before
    #[arg(long, value_name = "ID")]
    before: Option<Uuid>,
}

/// Show one job with its timeline and outcome
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct ShowArgs {
    /// Identifier of the job, which is the analysis's
    id: Uuid,
}

const HELP: &str = exit::help!(
    "toneup jobs list --status queued --limit 5",
    "toneup jobs list --status failed --json | jq -r '.[].error.code' | sort | uniq -c",
    "toneup jobs list --before 019ab2c4-5d7e-7c3a-9b1f-2a4c6e8f0a1b",
    "toneup jobs show 019ab2c4-5d7e-7c3a-9b1f-2a4c6e8f0a1b",
);

const STATUSES: [Status; 6] = [
    Status::Queued,
    Status::Running,
    Status::Succeeded,
    Status::Failed,
    Status::Cancelled,
    Status::Expired,
];

#[expect(clippy::needless_pass_by_value, reason = "clap's parser hands the word over")]
fn status_named(word: String) -> Status {
    STATUSES.into_iter().find(|status| status.as_str() == word).unwrap_or(Status::Queued)
}

/// A job as `--json` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JobView {
    id: JobId,
    user_id: UserId,
    kind: String,
    payload: Document,
    status: Status,
    version: u32,
    attempt: u16,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    result: Option<Document>,
    error: Option<JobError>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<EntryView>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            user_id: job.user,
            kind: job.kind,
            payload: job.payload,
            status: job.status,
            version: job.version,
            attempt: job.attempt,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            result: job.result,
            error: job.error,
            history: Vec::new(),
        }
    }
}

impl JobView {
    /// Result of the job, if it is that of an analysis.
    fn analysis_result(&self) -> Option<AnalysisResult> {
        self.result.as_ref()?.read().ok()
    }
}

/// Runs `toneup jobs` with these arguments.
pub(crate) async fn run(args: JobsArgs, output: &Output) -> anyhow::Result<Ending> {
    match args.command {
        JobsCommand::List(args) => list(&args, output).await,
        JobsCommand::Show(args) => show(&args, output).await,
    }
}

async fn list(args: &ListArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = database::connect(Duration::ZERO, output).await?;
    let mut connection = pool.acquire().await.context("cannot connect to the database")?;
    let page = Search {
        kind: args.kind.clone(),
        status: args.status,
        before: args.before.map(JobId),
        limit: args.limit,
        ..Search::default()
    };
    let found = search(&mut connection, &page).await.map_err(database::explain)?;
    let ids: BTreeSet<JobId> = found.iter().map(|job| job.id).collect();
    let jobs = read::find_all(&mut connection, &ids).await.map_err(database::explain)?;
    let mut jobs: Vec<JobView> = jobs.into_iter().map(JobView::from).collect();
    jobs.sort_by_key(|job| Reverse(job.id));
    output.answer(&jobs, |ink| list_text(&jobs, args.status, ink))?;
    if let Some(last) = jobs.last().filter(|_| u32::try_from(jobs.len()) == Ok(args.limit)) {
        output.note(&format!("older ones: the same with --before {}", last.id.0));
    }
    Ok(Ending::Done)
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = database::connect(Duration::ZERO, output).await?;
    let mut connection = pool.acquire().await.context("cannot connect to the database")?;
    let job = read::find(&mut connection, JobId(args.id)).await;
    let job = job.map_err(database::explain)?;
    let mut job: JobView = job.ok_or_else(|| anyhow!("there is no job {}", args.id))?.into();
    let history = transitions::read(&mut connection, job.id).await.map_err(database::explain)?;
    job.history = history.into_iter().map(EntryView::from).collect();
    output.answer(&job, |ink| show_text(&job, ink))?;
    Ok(Ending::Done)
}

fn list_text(jobs: &[JobView], status: Option<Status>, ink: Ink) -> String {
    if jobs.is_empty() {
        let which = status.map_or(String::new(), |status| format!("{} ", status.as_str()));
        return format!("no {which}jobs");
    }
    let rows: Vec<_> = jobs.iter().map(|job| (job.status, row(job))).collect();
    draw::table(["ID", "STATUS", "ATTEMPT", "CREATED (UTC)", "TOOK", "OUTCOME"], &rows, ink)
}

fn row(job: &JobView) -> [String; 6] {
    let took = job.finished_at.map(|finished| draw::span(finished - job.created_at));
    let season = job.analysis_result().map(|result| draw::season(result.personal_color).to_owned());
    let outcome = season.or_else(|| job.error.as_ref().map(|error| draw::clean(&error.code)));
    [
        job.id.0.to_string(),
        job.status.as_str().to_owned(),
        job.attempt.to_string(),
        draw::moment(job.created_at),
        took.unwrap_or_else(|| "-".to_owned()),
        outcome.unwrap_or_else(|| "-".to_owned()),
    ]
}

fn show_text(job: &JobView, ink: Ink) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| draw::line(&mut text, ink, label, value);
    line("job", &job.id.0.to_string());
    line("user", &job.user_id.0.to_string());
    line("kind", &draw::clean(&job.kind));
    line("payload", &draw::clean(job.payload.text()));
    line(
        "status",
        &format!("{}, attempt {}, version {}", job.status.as_str(), job.attempt, job.version),
    );
    line("created", &draw::moment(job.created_at));
    let after = |at: OffsetDateTime, since: OffsetDateTime| {
        format!("{}  (+{})", draw::moment(at), draw::span(at - since))
    };
    if let Some(started) = job.started_at {
        line("started", &after(started, job.created_at));
    }
    for entry in &job.history {
        let (at, what) = entry.text();
        line(&at, &what);
    }
    if let Some(finished) = job.finished_at {
        line("finished", &after(finished, job.started_at.unwrap_or(job.created_at)));
        line("took", &draw::span(finished - job.created_at));
    }
    if let Some(result) = job.analysis_result() {
        text.push('\n');
        text.push_str(&draw::result(&result, ink));
        if let Some(model) = &result.model {
            let model = format!("{} {}", draw::clean(&model.name), draw::clean(&model.version));
            draw::line(&mut text, ink, "model", &model);
        }
    } else if job.status.is_terminal() && job.status != Status::Succeeded {
        text.push('\n');
        text.push_str(&draw::failure(job.status, job.error.as_ref(), ink));
    }
    text
}
