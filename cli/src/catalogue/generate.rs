//! `toneup catalogue generate`: a catalogue for tests and demonstrations.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use toneup_catalogue::generate::{Catalogue, write_embeddings};

use super::{create, is_stream};
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::progress::Work;

/// Generate products of a shop that does not exist, as JSON lines, or their embeddings
///
/// The same seed gives the same products.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct GenerateArgs {
    /// Seed of the catalogue
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Number of products
    #[arg(long, default_value_t = Catalogue::SIZE)]
    products: u64,
    /// Generate the products' embeddings instead: 22.6 kB each
    #[arg(long)]
    embeddings: bool,
    /// The file to write; `-` is standard output
    #[arg(long, default_value = "-", value_name = "FILE")]
    to: PathBuf,
}

const HELP: &str = exit::help!(
    "toneup catalogue generate --products 1000 --to products.jsonl",
    "toneup catalogue generate --embeddings --to product_embeddings.json",
);

/// Runs `toneup catalogue generate` with these arguments.
pub(super) fn run(args: &GenerateArgs, output: &Output) -> anyhow::Result<Ending> {
    let catalogue = Catalogue::new(args.seed);
    let mut file = create(&args.to)?;
    let mut progress = output.progress();
    // What goes to standard output may share the terminal.
    let mut show = (!is_stream(&args.to)).then(|| progress.work(Some(args.products), Work::Rows));
    let mut done = |number| {
        if let Some(show) = &mut show {
            show(number);
        }
    };
    let written = if args.embeddings {
        write_embeddings(catalogue, args.products, &mut file, done)
    } else {
        (1..=args.products).try_for_each(|number| {
            done(number);
            serde_json::to_writer(&mut file, &catalogue.product(number))?;
            file.write_all(b"\n")
        })
    };
    match written.and_then(|()| file.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Err(exit::ReaderGone.into())
        }
        written => {
            written.with_context(|| format!("cannot write {}", args.to.display()))?;
            Ok(Ending::Done)
        }
    }
}
