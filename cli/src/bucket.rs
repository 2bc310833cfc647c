//! `toneup bucket`: creates and configures the bucket of the photos.

use clap::Args;
use serde_json::json;
use toneup_colour::photo::PREFIX;
use toneup_platform::config::{ObjectsConfig, Settings};
use toneup_platform::objects::Objects;
use toneup_platform::origins::PageOrigins;

use crate::exit::{self, Ending, Unreachable};
use crate::output::Output;

/// Create the bucket of the photos, with its CORS and lifecycle rules
///
/// Lets pages of `PAGE_ORIGIN` and `CORS_ORIGINS`, and no others, upload to `S3_BUCKET`, and has photos deleted after
/// `S3_PHOTO_DAYS`. Safe to repeat; needed again when one of them changes.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct BucketArgs {}

const HELP: &str = exit::help!(
    "S3_ENDPOINT=http://127.0.0.1:8333 S3_ACCESS_KEY_ID=… S3_SECRET_ACCESS_KEY=… toneup bucket",
    "PAGE_ORIGIN=https://toneup.example S3_PHOTO_DAYS=1 toneup bucket --json",
);

/// Runs `toneup bucket` with these arguments.
pub(crate) async fn run(_: BucketArgs, output: &Output) -> anyhow::Result<Ending> {
    let settings = Settings::from_env();
    let (config, origins): (ObjectsConfig, _) =
        (settings.section()?, PageOrigins::load(&settings)?);
    let (bucket, days) = (&config.s3_bucket, config.s3_photo_days);
    let pages: Vec<&str> = origins.iter().collect();

    let objects = Objects::new(&config)?;
    let prepared = objects.prepare_bucket(&origins, PREFIX, days).await;
    let place = || format!("the object store at {}", config.s3_endpoint);
    prepared.map_err(|error| Unreachable::new(place(), error))?;

    let document = json!({ "bucket": bucket, "pageOrigins": pages, "photoDays": days });
    output.answer(&document, |_| {
        format!(
            "bucket {bucket} is ready: uploads from {} alone, photos deleted after {days} days",
            pages.join(", ")
        )
    })?;
    Ok(Ending::Done)
}
