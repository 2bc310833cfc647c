//! Memory under photos that trickle: one API, many clients that each send a photo in a form as slowly as may be, its process's
//! memory meanwhile, and what becomes of clients that send theirs at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use reqwest::multipart::{Form, Part};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use crate::load::signer::Signer;
use crate::measure::memory::{raise_file_limit, resident_bytes};
use crate::report::table::say;
use crate::site::{Plan, Services, Site};

/// Size of each slow photo, in bytes.
const PHOTO_BYTES: usize = 10 * 1024 * 1024;
/// Size of each quick photo, in bytes.
const QUICK_BYTES: usize = 1024 * 1024;
/// Boundary of the slow clients' forms.
const BOUNDARY: &str = "x-slow";
/// Between two pieces of a slow photo.
const PIECE_PAUSE: Duration = Duration::from_secs(1);
/// Between two quick photos, and two looks at the memory.
const LOOK: Duration = Duration::from_millis(500);
/// Before a slow client that was turned away comes again.
const RETURN: Duration = Duration::from_millis(200);

/// Options of the measurement, and the addresses of the servers.
#[derive(Debug, Args)]
pub struct Options {
    /// Clients that send slowly, each a user of its own
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// Bytes that each sends in a second
    #[arg(long, default_value_t = 16 * 1024)]
    rate: usize,
    /// Duration of the measurement
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// Most memory that the API may use, in MiB
    #[arg(long, default_value_t = 128)]
    most: u64,
    #[command(flatten)]
    services: Services,
}

/// Sends the photos and says what they cost; fails where that is more than may be, or a quick client had to wait in vain.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    // Before the API starts, which inherits it.
    raise_file_limit(options.count)?;
    let site = Site::open(&options.services, Plan::new("uploads", Vec::new())).await?;
    let measured = measure(&site, options).await;
    site.close().await?;
    measured
}

async fn measure(site: &Site, options: &Options) -> anyhow::Result<()> {
    let process = site.api_process().context("the API has ended")?;
    let address = site.api.trim_start_matches("http://").to_owned();
    let signer = Arc::new(Signer::of(&site.api).await?);
    let before = resident_bytes(process)?;
    let sent = Arc::new(AtomicU64::new(0));
    let mut slow = JoinSet::new();
    for _ in 0..options.count {
        let (address, token, sent) =
            (address.clone(), signer.token(uuid::Uuid::now_v7())?, Arc::clone(&sent));
        let rate = options.rate;
        slow.spawn(async move {
            loop {
                // Turned away, or the connection was refused: a hostile client comes again.
                trickle(&address, &token, rate, &sent).await.ok();
                sleep(RETURN).await;
            }
        });
    }
    let (mut most, mut accepted, mut refused) = (before, 0, 0);
    let end = Instant::now() + options.time;
    let mut looks = interval(LOOK);
    while Instant::now() < end {
        looks.tick().await;
        if quick(site, &signer).await? {
            accepted += 1;
        } else {
            refused += 1;
        }
        most = most.max(resident_bytes(process)?);
    }
    drop(slow);
    let megabytes = sent.load(Ordering::Relaxed) / (1024 * 1024);
    say(&format!(
        "uploads slow={} sent_mib={megabytes} resident_before={before} resident_most={most} quick_accepted={accepted} quick_refused={refused}",
        options.count
    ))?;
    ensure!(most <= options.most * 1024 * 1024, "more than {} MiB", options.most);
    ensure!(refused * 20 <= accepted, "{refused} of the quick clients were refused");
    Ok(())
}

/// Sends a photo piece by piece, until the API ends it.
async fn trickle(address: &str, token: &str, rate: usize, sent: &AtomicU64) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "POST /v1/analyses HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"me.jpg\"\r\n\r\n",
        PHOTO_BYTES + 256
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&[0xff, 0xd8, 0xff]).await?;
    let (piece, mut left, mut answer) = (vec![7; rate], PHOTO_BYTES, [0; 64]);
    while left > 0 {
        tokio::select! {
            // An answer before the end is a refusal.
            _ = stream.read(&mut answer) => return Ok(()),
            () = sleep(PIECE_PAUSE) => {}
        }
        stream.write_all(&piece).await?;
        sent.fetch_add(u64::try_from(piece.len())?, Ordering::Relaxed);
        left = left.saturating_sub(piece.len());
    }
    Ok(())
}

/// Sends a photo at once, as a new user; `true` if it was accepted.
async fn quick(site: &Site, signer: &Signer) -> anyhow::Result<bool> {
    let mut photo = vec![7; QUICK_BYTES];
    photo[..3].copy_from_slice(&[0xff, 0xd8, 0xff]);
    let form = Form::new().part("image", Part::bytes(photo).file_name("me.jpg"));
    let url = format!("{}/v1/analyses", site.api);
    let request =
        crate::load::target::http()?.post(url).bearer_auth(signer.token(uuid::Uuid::now_v7())?);
    Ok(request.multipart(form).send().await?.status().is_success())
}
