//! `toneup submit`: uploads a photo and submits its analysis.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use clap::builder::{StringValueParser, TypedValueParser};
use indicatif::HumanBytes;
use secrecy::{ExposeSecret, SecretString};
use toneup_colour::photo::{PHOTO_LIMIT_BYTES, PhotoType};
use url::Url;

use crate::client::{Analysis, Client};
use crate::draw;
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::progress::Progress;
use crate::watch;

/// Submit a photo, and with --watch see its season
///
/// Signs in as a guest unless a token is given. The photo goes straight to the object store, at most 10 MiB of JPEG,
/// PNG, WebP or HEIC.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct SubmitArgs {
    /// Photo of one face, from the front, in daylight
    photo: PathBuf,
    /// Wait for the result and show it
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    server: ServerArgs,
}

const HELP: &str = exit::help!(
    "toneup submit selfie.jpg --watch",
    "toneup submit selfie.jpg --watch --json | jq -r .result.personalColor",
    "TONEUP_TOKEN=… toneup submit selfie.jpg",
);

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
    let photo = Photo::read(&args.photo)?;
    let mut client = args.server.client()?;
    let is_guest = !client.is_signed_in();

    let mut progress = output.progress();
    let accepted = submit(&mut client, &photo, &mut progress).await?;
    if args.watch {
        return watch::follow(&client, accepted.id, progress, output).await;
    }
    drop(progress);
    output.answer(&accepted.document, |_| accepted_text(&accepted))?;
    output.note(&how_to_watch(&accepted, is_guest));
    Ok(Ending::Done)
}

async fn submit(
    client: &mut Client,
    photo: &Photo,
    progress: &mut Progress,
) -> anyhow::Result<Analysis> {
    progress.wait("connecting");
    if !client.is_signed_in() {
        client.sign_in_as_guest().await.context("cannot sign in as a guest")?;
    }
    let upload = client.create_upload(photo.kind, photo.bytes.len()).await;
    let upload = upload.context("cannot prepare the upload")?;

    let sent = progress.upload(photo.bytes.len() as u64);
    client.put(&upload, &photo.bytes, sent).await.context("cannot upload the photo")?;

    progress.wait("submitting");
    let accepted = client.submit(&upload).await.context("cannot submit the photo")?;
    progress.say(&watch::standing(&accepted));
    Ok(accepted)
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
    bytes: Bytes,
    kind: PhotoType,
}

impl Photo {
    /// Reads a file, and rejects what the server would reject after the upload.
    fn read(path: &Path) -> anyhow::Result<Self> {
        let name = draw::clean(&path.display().to_string());
        let reading = || format!("cannot read {name}");
        let file = File::open(path).with_context(reading)?;
        let length = file.metadata().with_context(reading)?.len();
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
        Ok(Self { bytes: bytes.into(), kind })
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
