//! Cost of an open event stream: one API, many waiting clients, the memory of its process before and after, and the
//! statements sent to the database meanwhile; and the latency of a push among all these.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::load::signer::Signer;
use crate::measure::memory::{raise_file_limit, resident_bytes};
use crate::measure::percentiles::Sorted;
use crate::report::table::say;
use crate::site::{Plan, Services, Site};

/// Streams open before the first look, so that pools and caches are not counted as theirs.
const WARM_UP: usize = 200;
/// Streams opened at a time.
const AT_ONCE: usize = 64;
/// Time for the process to settle before a measurement.
const SETTLE: Duration = Duration::from_secs(5);
/// Time for which the idle database is observed: at least two polls.
const IDLE: Duration = Duration::from_secs(36);
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// Changes whose pushes are timed.
const PUSHES: usize = 100;
/// Largest head of an answer, in bytes.
const HEAD_BYTES: usize = 4096;

/// Options of the measurement, and the addresses of the servers.
#[derive(Debug, Args)]
pub struct Options {
    /// Streams, each of a user of its own
    #[arg(long, default_value_t = 10_000)]
    count: usize,
    #[command(flatten)]
    services: Services,
}

/// Opens the streams and says what they cost.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    ensure!(options.count > WARM_UP, "more than {WARM_UP} streams");
    // Before the API starts, which inherits it.
    raise_file_limit(options.count)?;
    let site = Site::open(&options.services, Plan::new("streams", Vec::new())).await?;
    let measured = measure(&site, options.count).await;
    site.close().await?;
    measured
}

async fn measure(site: &Site, count: usize) -> anyhow::Result<()> {
    let process = site.api_process().context("the API has ended")?;
    let address = site.api.trim_start_matches("http://");
    let signer = Signer::of(&site.api).await?;
    let mut streams = open(address, &signer, WARM_UP).await?;
    sleep(SETTLE).await;
    let before = resident_bytes(process)?;
    let begun = Instant::now();
    streams.extend(open(address, &signer, count - WARM_UP).await?);
    let seconds = begun.elapsed().as_secs_f64();
    sleep(SETTLE).await;
    let after = resident_bytes(process)?;
    for stream in &streams {
        still_open(stream)?;
    }
    let added = u64::try_from(count - WARM_UP)?;
    let each = after.saturating_sub(before) / added;
    say(&format!(
        "streams n={} bytes_per_stream={each} resident_before={before} resident_after={after} opened_in_s={seconds:.1}",
        streams.len()
    ))?;
    let before = site.statements().await?;
    sleep(IDLE).await;
    // The asking itself is one or two of them.
    let statements = u32::try_from(site.statements().await?.saturating_sub(before))?;
    let each_second = f64::from(statements) / IDLE.as_secs_f64();
    say(&format!("idle n={} statements_per_second={each_second:.1}", streams.len()))?;
    let pushes = pushes(site).await?;
    let (median, p99) = (pushes.median(), pushes.percentile(99.0));
    say(&format!("pushes n={PUSHES} p50_ms={median:.1} p99_ms={p99:.1}"))?;
    Ok(())
}

/// Milliseconds from asking for a change to having its event, one after the other: the commit lies in between.
async fn pushes(site: &Site) -> anyhow::Result<Sorted> {
    let http = crate::load::target::http()?;
    let address = site.api.trim_start_matches("http://");
    let mut times = Vec::new();
    for _ in 0..PUSHES {
        let session = post(&http, &format!("{}/v1/sessions/guest", site.api), "").await?;
        let token = session["accessToken"].as_str().context("no access token")?;
        let key = format!("u/{}/nothing.jpg", session["userId"].as_str().unwrap_or_default());
        let submit = http.post(format!("{}/v1/analyses", site.api)).bearer_auth(token);
        let submitted = submit.json(&json!({ "objectKey": key })).send().await?;
        let analysis: Value = submitted.error_for_status()?.json().await?;
        let (mut stream, received) = timeout(OPEN_TIMEOUT, open_one(address, token)).await??;
        read_until(&mut stream, received, "queued").await?;
        let id = analysis["id"].as_str().context("no id")?;
        let cancel = format!("{}/v1/analyses/{id}/cancel", site.api);
        let begun = Instant::now();
        let (cancelled, received) = tokio::join!(post(&http, &cancel, token), async {
            read_until(&mut stream, Vec::new(), "cancelled").await.map(|()| begun.elapsed())
        });
        cancelled.context("cancelling")?;
        times.push(received?.as_secs_f64() * 1e3);
    }
    Ok(Sorted::new(times))
}

async fn post(http: &Client, url: &str, token: &str) -> anyhow::Result<Value> {
    let answer = http.post(url).bearer_auth(token).json(&json!({})).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}

/// Reads a stream, of which `received` has come already, until an event with a state.
async fn read_until(
    stream: &mut TcpStream,
    mut received: Vec<u8>,
    status: &str,
) -> anyhow::Result<()> {
    let told = format!("\"status\":\"{status}\"");
    let reading = async {
        while !String::from_utf8_lossy(&received).contains(&told) {
            ensure!(stream.read_buf(&mut received).await? > 0, "the API closed a stream");
        }
        Ok(())
    };
    timeout(OPEN_TIMEOUT, reading).await.with_context(|| format!("no event with {status}"))?
}

/// Opens streams, each as a different user.
async fn open(address: &str, signer: &Signer, count: usize) -> anyhow::Result<Vec<TcpStream>> {
    let opening = (0..count).map(|_| async move {
        let token = signer.token(Uuid::now_v7())?;
        let opened = timeout(OPEN_TIMEOUT, open_one(address, &token)).await;
        let (stream, _) = opened.context("a stream does not open")??;
        anyhow::Ok(stream)
    });
    stream::iter(opening).buffer_unordered(AT_ONCE).try_collect().await
}

/// Opens a stream; answers it, and what it has said so far.
async fn open_one(address: &str, token: &str) -> anyhow::Result<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET /v1/events HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        ensure!(head.len() < HEAD_BYTES, "the answer's head does not end");
        ensure!(stream.read_buf(&mut head).await? > 0, "the API closed a stream");
    }
    let status = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    ensure!(status == b"HTTP/1.1 200 OK", "{}", String::from_utf8_lossy(status));
    Ok((stream, head))
}

/// Fails if the other side has closed the stream; at most heartbeats have come.
fn still_open(stream: &TcpStream) -> anyhow::Result<()> {
    let mut received = [0; 256];
    match stream.try_read(&mut received) {
        Ok(0) => bail!("a stream was closed"),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
    }
}
