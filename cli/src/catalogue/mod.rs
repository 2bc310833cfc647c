//! `toneup catalogue`: the products and their embeddings.

mod embeddings;
mod generate;
mod import;
mod object;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use toneup_catalogue::import::Format;

use crate::exit::{self, Ending};
use crate::output::Output;

/// Fill the catalogue of products
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct CatalogueArgs {
    #[command(subcommand)]
    command: CatalogueCommand,
}

#[derive(Debug, Subcommand)]
enum CatalogueCommand {
    Import(import::ImportArgs),
    LoadEmbeddings(embeddings::LoadArgs),
    Generate(generate::GenerateArgs),
}

const HELP: &str = exit::help!(
    "toneup catalogue import products.jsonl",
    "toneup catalogue generate | toneup catalogue import -",
    "toneup catalogue load-embeddings product_embeddings.json.gz --on-error skip",
);

/// Format of a file of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FileFormat {
    /// One JSON object a line.
    Jsonl,
    /// A header with names, then a product a row.
    Csv,
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Jsonl => Self::JsonLines,
            FileFormat::Csv => Self::Csv,
        }
    }
}

/// Runs `toneup catalogue` with these arguments.
pub(crate) async fn run(args: CatalogueArgs, output: &Output) -> anyhow::Result<Ending> {
    match args.command {
        CatalogueCommand::Import(args) => import::run(args, output).await,
        CatalogueCommand::LoadEmbeddings(args) => embeddings::run(args, output),
        CatalogueCommand::Generate(args) => generate::run(&args, output),
    }
}

/// True if a path stands for a standard stream.
fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a file to write; `-` is standard output.
fn create(path: &Path) -> anyhow::Result<Box<dyn Write>> {
    if is_stream(path) {
        return Ok(Box::new(BufWriter::new(io::stdout().lock())));
    }
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}
