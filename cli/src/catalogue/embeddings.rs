//! `toneup catalogue load-embeddings`: embeddings from a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use serde_json::json;
use toneup_catalogue::config::CatalogueConfig;
use toneup_catalogue::embeddings::{Input, Loader, OnError};
use toneup_platform::config::Settings;

use super::{is_stream, object};
use crate::draw::clean;
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::progress::Work;

/// Load the embeddings of products from a JSON array
///
/// The file is one array of {"`product_id"`: 17, "embedding": [… 1,024 numbers]}, plain or compressed by gzip or zstd. It is
/// streamed: memory does not depend on its size. Recommendations use the new embeddings once all are loaded; until then, the
/// ones before. A load that was interrupted goes on where it was when it is repeated.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct LoadArgs {
    /// The file; `-` reads standard input, `s3://BUCKET/KEY` an object of the store at `S3_ENDPOINT`
    file: PathBuf,
    /// What to do about a record that cannot be used
    #[arg(long, value_enum, default_value = "refuse")]
    on_error: OnBroken,
    /// Where the embeddings are kept; by default, `EMBEDDINGS_DIR`
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Records between two checkpoints, from which an interrupted load goes on
    #[arg(long, default_value = "1000", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnBroken {
    /// Leave it out, and name it.
    Skip,
    /// End the load.
    Refuse,
}

const HELP: &str = exit::help!(
    "toneup catalogue load-embeddings product_embeddings.json --directory /var/lib/toneup/embeddings",
    "zstd -dc product_embeddings.json.zst | toneup catalogue load-embeddings - --on-error skip",
    "toneup catalogue load-embeddings s3://models/product_embeddings.json.gz",
);

/// Runs `toneup catalogue load-embeddings` with these arguments.
pub(super) fn run(args: LoadArgs, output: &Output) -> anyhow::Result<Ending> {
    let directory = if let Some(directory) = args.directory {
        directory
    } else {
        let config: CatalogueConfig = Settings::from_env().section()?;
        config
            .embeddings_dir
            .ok_or_else(|| anyhow!("EMBEDDINGS_DIR: must be set, or --directory given"))?
    };
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let input = open(&args.file)?;
    let on_error = match args.on_error {
        OnBroken::Skip => OnError::Skip,
        OnBroken::Refuse => OnError::Refuse,
    };
    let loader = Loader { directory, on_error, checkpoint: args.checkpoint };
    let mut progress = output.progress();
    let mut show = progress.work(input.length, Work::Bytes);
    let loaded = loader.load(
        input,
        |done| show(done.bytes),
        |offset, fault| {
            output.note(&clean(&format!("left out the record at byte {offset}: {fault}")));
        },
    )?;
    drop(progress);
    let document = json!({
        "generation": loaded.generation, "records": loaded.records, "skipped": loaded.skipped,
        "resumed": loaded.resumed,
    });
    output.answer(&document, |_| {
        format!("{} embeddings loaded, {} left out", loaded.records, loaded.skipped)
    })?;
    Ok(if loaded.skipped == 0 { Ending::Done } else { Ending::ProblemFound })
}

fn open(path: &Path) -> anyhow::Result<Input> {
    if let Some(address) = path.to_str().and_then(|path| path.strip_prefix("s3://")) {
        return object::open(address);
    }
    let input = if is_stream(path) { Input::stream(io::stdin()) } else { Input::open(path) };
    input.with_context(|| format!("cannot open {}", path.display()))
}
