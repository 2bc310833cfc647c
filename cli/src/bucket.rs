//! `toneup bucket`: creates and configures the bucket of the photos.

use clap::Args;
use serde_json::json;
use toneup_colour::photo::PREFIX;
use toneup_platform::config::{ObjectsConfig, Settings};
use toneup_platform::objects::Objects;

use crate::exit::{self, Ending, Unreachable};
use crate::output::Output;

/// Create the bucket of the photos, with its CORS and lifecycle rules
///
/// Lets the page at `PAGE_ORIGIN`, and no other, upload to `S3_BUCKET`, and has photos deleted after `S3_PHOTO_DAYS`.
/// Safe to repeat.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct BucketArgs {}

const HELP: &str = exit::help!(
    "S3_ENDPOINT=http://127.0.0.1:8333 S3_ACCESS_KEY_ID=… S3_SECRET_ACCESS_KEY=… toneup bucket",
    "PAGE_ORIGIN=https://toneup.example S3_PHOTO_DAYS=1 toneup bucket --json",
);

/// Runs `toneup bucket` with these arguments.
pub(crate) async fn run(_: BucketArgs, output: &Output) -> anyhow::Result<Ending> {
    let config: ObjectsConfig = Settings::from_env().section()?;
    let (bucket, days) = (&config.s3_bucket, config.s3_photo_days);
    let origin = config.page_origin.origin().ascii_serialization();

    let objects = Objects::new(&config)?;
    let prepared = objects.prepare_bucket(&config.page_origin, PREFIX, days).await;
    let place = || format!("the object store at {}", config.s3_endpoint);
    prepared.map_err(|error| Unreachable::new(place(), error))?;

    let document = json!({ "bucket": bucket, "pageOrigin": origin, "photoDays": days });
    output.answer(&document, |_| {
        format!(
            "bucket {bucket} is ready: uploads from {origin} alone, photos deleted after {days} days"
        )
    })?;
    Ok(Ending::Done)
}
