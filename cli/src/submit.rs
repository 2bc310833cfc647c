//! `toneup submit`: uploads photos and submits their analyses, or one of all of them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::slice::from_ref;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use clap::builder::{StringValueParser, TypedValueParser};
use futures_util::StreamExt;
use indicatif::{HumanBytes, MultiProgress};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use toneup_colour::photo::{PHOTO_LIMIT_BYTES, PHOTOS_PER_ANALYSIS, PhotoType};
use url::Url;

use crate::client::{Analysis, Client, Upload};
use crate::draw;
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::progress::Progress;
use crate::watch;

/// Submit photos, and with --watch see their seasons
///
/// Signs in as a guest unless a token is given. The photo goes straight to the object store, at most 10 MiB of JPEG,
/// PNG, WebP or HEIC. Several photos are an analysis each; with --together they are one, of one person.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct SubmitArgs {
    /// Photos of one face each, from the front, in daylight; - reads one from stdin
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Combine up to five photos of one person, best in different light, in one analysis
    #[arg(long)]
    together: bool,
    /// Wait for the results and show them
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    server: ServerArgs,
}

const HELP: &str = exit::help!(
    "toneup submit selfie.jpg --watch",
    "toneup submit selfie.jpg --watch --json | jq -r .result.personalColor",
    "curl -s https://example.com/selfie.jpg | toneup submit - --watch",
    "toneup submit *.jpg --watch",
    "toneup submit --together window.jpg lamp.jpg garden.jpg --watch",
    "TONEUP_TOKEN=… toneup submit selfie.jpg",
);

/// Photos submitted at a time.
const AT_ONCE: usize = 4;

/// Arguments that select the server, the user and the timeout.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Address of the ToneUp server
    #[arg(long, env = "TONEUP_URL", default_value = "http://127.0.0.1:8080", value_parser = parse_url)]
    url: Url,
    /// Access token of the user
    #[arg(long, env = "TONEUP_TOKEN", hide_env_values = true, value_parser = StringValueParser::new().map(SecretString::from))]
    token: Option<SecretString>,
    /// Timeout of the whole command
    #[arg(long, default_value = "120s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

impl ServerArgs {
    /// Creates the client for these arguments.
    pub(crate) fn client(self) -> anyhow::Result<Client> {
        let token = self.token.filter(|token| !token.expose_secret().is_empty());
        Client::new(self.url, token, self.timeout)
    }
}

/// Parses a URL with a scheme that this client supports.
fn parse_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error: url::ParseError| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err("expected http://… or https://…".to_owned())
    }
}

/// Runs `toneup submit` with these arguments.
pub(crate) async fn run(args: SubmitArgs, output: &Output) -> anyhow::Result<Ending> {
    if args.together && args.photos.len() > PHOTOS_PER_ANALYSIS {
        bail!("an analysis combines at most {PHOTOS_PER_ANALYSIS} photos");
    }
    let photos: Vec<Photo> =
        args.photos.iter().map(|path| Photo::read(path)).collect::<anyhow::Result<_>>()?;
    let mut client = args.server.client()?;
    let is_guest = !client.is_signed_in();

    let mut progress = output.progress();
    progress.wait("connecting");
    if is_guest {
        client.sign_in_as_guest().await.context("cannot sign in as a guest")?;
    }
    if photos.len() > 1 && !args.together {
        drop(progress);
        return submit_all(&client, &photos, args.watch, output).await;
    }
    let accepted = submit(&client, &photos, &mut progress).await?;
    if args.watch {
        return watch::follow(&client, accepted.id, progress, output).await;
    }
    drop(progress);
    output.answer(&accepted.document, |_| accepted_text(&accepted))?;
    output.note(&how_to_watch(&accepted, is_guest));
    Ok(Ending::Done)
}

/// Submits an analysis of each photo, a few at a time, and answers with all of them. Those that fail keep no other back.
async fn submit_all(
    client: &Client,
    photos: &[Photo],
    watch: bool,
    output: &Output,
) -> anyhow::Result<Ending> {
    let group = &MultiProgress::new();
    let submitting = photos.iter().map(|photo| async move {
        let mut progress = output.progress().among(group, &photo.name);
        let accepted = submit(client, from_ref(photo), &mut progress).await?;
        if watch { watch::to_the_end(client, accepted.id, progress).await } else { Ok(accepted) }
    });
    let submitted: Vec<anyhow::Result<Analysis>> =
        futures_util::stream::iter(submitting).buffered(AT_ONCE).collect().await;
    let analyses: Vec<(&Photo, &Analysis)> =
        photos.iter().zip(&submitted).filter_map(|(p, a)| Some((p, a.as_ref().ok()?))).collect();
    let documents: Vec<&Value> = analyses.iter().map(|(_, analysis)| &analysis.document).collect();
    output.answer(&documents, |ink| {
        let text = |(photo, analysis): &(&Photo, &Analysis)| {
            let name = &photo.name;
            if watch {
                format!("{name}\n{}", watch::ended_text(analysis, ink))
            } else {
                format!("{name}: {}", accepted_text(analysis))
            }
        };
        analyses.iter().map(text).collect::<Vec<_>>().join("\n")
    })?;
    let is_well = |analysis: &Analysis| !watch || watch::ending(analysis) == Ending::Done;
    let all_well = analyses.iter().all(|(_, analysis)| is_well(analysis));
    let failed = photos.iter().zip(submitted).find_map(|(photo, it)| Some((photo, it.err()?)));
    match failed {
        Some((photo, error)) => Err(error.context(format!("{} did not get through", photo.name))),
        None if all_well => Ok(Ending::Done),
        None => Ok(Ending::AnalysisFailed),
    }
}

/// Uploads photos, one after the other, and submits one analysis of them.
async fn submit(
    client: &Client,
    photos: &[Photo],
    progress: &mut Progress,
) -> anyhow::Result<Analysis> {
    let mut uploads = Vec::new();
    for photo in photos {
        uploads.push(upload(client, photo, progress).await?);
    }
    progress.wait("submitting");
    let accepted = client.submit(&uploads).await.context("cannot submit the photo")?;
    progress.say(&watch::standing(&accepted));
    Ok(accepted)
}

async fn upload(client: &Client, photo: &Photo, progress: &mut Progress) -> anyhow::Result<Upload> {
    let upload = client.create_upload(photo.kind, photo.bytes.len()).await;
    let upload = upload.context("cannot prepare the upload")?;
    let sent = progress.upload(photo.bytes.len() as u64);
    client.put(&upload, &photo.bytes, sent).await.context("cannot upload the photo")?;
    Ok(upload)
}

fn accepted_text(accepted: &Analysis) -> String {
    format!("accepted {}: {}", accepted.id, watch::standing(accepted))
}

fn how_to_watch(accepted: &Analysis, is_guest: bool) -> String {
    if is_guest {
        "A guest's analyses are seen in the guest's session alone, and that ends with this command.\n\
         See the result with --watch, or bring a session of your own in TONEUP_TOKEN."
            .to_owned()
    } else {
        format!("watch it: toneup watch {}", accepted.id)
    }
}

/// A file that the server will accept.
struct Photo {
    name: String,
    bytes: Bytes,
    kind: PhotoType,
}

impl Photo {
    /// Reads a file, and rejects what the server would reject after the upload.
    fn read(path: &Path) -> anyhow::Result<Self> {
        let name = draw::clean(&path.display().to_string());
        let reading = || format!("cannot read {name}");
        let (file, length): (Box<dyn Read>, u64) = if path == Path::new("-") {
            (Box::new(std::io::stdin().lock()), 0)
        } else {
            let file = File::open(path).with_context(reading)?;
            let length = file.metadata().with_context(reading)?.len();
            (Box::new(file), length)
        };
        let mut bytes = Vec::new();
        if length <= PHOTO_LIMIT_BYTES {
            // A pipe has no length: read one byte more than the limit at most.
            file.take(PHOTO_LIMIT_BYTES + 1).read_to_end(&mut bytes).with_context(reading)?;
        }
        let length = length.max(bytes.len() as u64);
        if length > PHOTO_LIMIT_BYTES {
            let limit = HumanBytes(PHOTO_LIMIT_BYTES);
            bail!("{name} is too large: a photo may have {limit} at most");
        }
        let kind = PhotoType::sniff(&bytes)
            .with_context(|| format!("{name} is not a photo that ToneUp reads"))?;
        Ok(Self { name, bytes: bytes.into(), kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_taken() {
        assert!(parse_url("https://toneup.example/base").is_ok());
        for wrong in ["127.0.0.1:8080", "ftp://x", "http://", "nonsense"] {
            assert!(parse_url(wrong).is_err(), "{wrong}");
        }
    }
}
