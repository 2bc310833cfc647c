//! `toneup catalogue import`: products from a file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use toneup_catalogue::import::{Import, ImportError, Refusal, Report, rows};
use toneup_platform::database::Database;

use super::{FileFormat, create, is_stream};
use crate::database;
use crate::draw::{Ink, clean};
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::progress::Work;

/// Import products from JSON lines or CSV
///
/// Products that exist are replaced, others are added, and none is deleted. A row that breaks a rule is refused and named in
/// the report; the others are imported. Repeating an import changes nothing; one that was interrupted goes on where it was.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct ImportArgs {
    /// The file; `-` reads standard input
    file: PathBuf,
    /// Format of the file; by default, what its name ends with, and JSON lines
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Write every refused row to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// Longest wait for the database
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

const HELP: &str = exit::help!(
    "toneup catalogue import products.csv --refused refused.jsonl",
    "toneup catalogue generate --products 1000 | toneup catalogue import -",
);

/// Runs `toneup catalogue import` with these arguments.
pub(super) async fn run(args: ImportArgs, output: &Output) -> anyhow::Result<Ending> {
    let named_csv = args.file.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let format = args.format.unwrap_or(if named_csv { FileFormat::Csv } else { FileFormat::Jsonl });
    let (file, source, lines) = open(&args.file)?;
    let rows = rows(format.into(), file)?;
    let mut refused = args.refused.as_deref().map(create).transpose()?;
    let pool = database::connect(args.wait, output).await?;
    let database = Database::from(pool.clone());
    let mut progress = output.progress();
    let show = progress.work(lines, Work::Rows);
    let mut failed = Ok(());
    let note = |refusal: &Refusal| {
        if let (Some(file), Ok(())) = (&mut refused, &failed) {
            failed = write_line(file, refusal);
        }
    };
    let import = Import { database: &database, source };
    let report = import.run(rows, note, show).await.map_err(explain)?;
    drop(progress);
    pool.close().await;
    failed
        .and_then(|()| refused.as_mut().map_or(Ok(()), Write::flush))
        .context("cannot write the refused rows")?;
    output.answer(&report, |ink| text(&report, ink))?;
    Ok(if report.refused == 0 { Ending::Done } else { Ending::ProblemFound })
}

fn write_line(file: &mut dyn Write, refusal: &Refusal) -> io::Result<()> {
    serde_json::to_writer(&mut *file, refusal)?;
    file.write_all(b"\n")
}

fn explain(error: ImportError) -> anyhow::Error {
    match error {
        ImportError::Database(error) => database::explain(error),
        error @ ImportError::Read(_) => error.into(),
    }
}

type Opened = (Box<dyn Read>, Option<[u8; 32]>, Option<u64>);

/// Opens the file; of one that can be read twice also its SHA-256 and the number of lines.
fn open(path: &Path) -> anyhow::Result<Opened> {
    if is_stream(path) {
        return Ok((Box::new(io::stdin().lock()), None, None));
    }
    let open = || File::open(path).with_context(|| format!("cannot open {}", path.display()));
    let file = open()?;
    if !file.metadata()?.is_file() {
        return Ok((Box::new(file), None, None));
    }
    let (digest, lines) = toneup_catalogue::import::survey(file)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok((Box::new(open()?), Some(digest), Some(lines)))
}

fn text(report: &Report, _: Ink) -> String {
    let Report { rows, changed, unchanged, resumed, refused, refusals } = report;
    let before = if *resumed > 0 { format!(", {resumed} imported before") } else { String::new() };
    let mut text = format!(
        "{rows} rows: {changed} imported, {unchanged} unchanged{before}, {refused} refused\n"
    );
    for Refusal { line, column, field, detail } in refusals {
        let field = field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default();
        text.push_str(&clean(&format!("line {line}, column {column}: {field}{detail}")));
        text.push('\n');
    }
    if u64::try_from(refusals.len()).is_ok_and(|listed| listed < *refused) {
        text.push_str("… and more: --refused FILE writes them all\n");
    }
    text
}
