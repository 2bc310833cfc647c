//! Everybody toggles one post: ToneUp, and the first server's way in the same run.

use std::time::Duration;

use hyper::Method;

use super::crowd::{Crowd, Driven, Request, after, drive};
use super::fill::HOT_POST;
use crate::report::{Report, Row};
use crate::scenarios::common::{Bench, latency_chart};
use crate::site::Site;
use crate::site::servers::LockingPeer;

/// Connections: enough that batches fill while one is written.
const CLIENTS: u32 = 192;
/// Targets: toggles a second, the 99th percentile in ms, and how many times those of the peer.
const RATE: f64 = 8_000.0;
const P99_MS: f64 = 50.0;
const RATIO: f64 = 20.0;
const TOGGLES: &str = "toggles of one post";
const LOCKED: &str = "the same behind a Redis lock";
const WARM_UP: Duration = Duration::from_secs(2);

/// Measures both; the peer's row follows ToneUp's.
pub(super) async fn measure(
    bench: &Bench<'_>,
    site: &Site,
    crowd: &Crowd,
    report: &mut Report,
) -> anyhow::Result<()> {
    toggle(&site.api, crowd, WARM_UP).await?;
    let toneup = toggle(&site.api, crowd, bench.seconds(20.0)).await?;
    let url = site.database_url()?;
    let peer = LockingPeer::start("social-peer", url.as_str(), &site.api).await?;
    toggle(&peer.url, crowd, WARM_UP).await?;
    let locked = toggle(&peer.url, crowd, bench.seconds(20.0)).await?;
    let ratio = toneup.rate() / locked.rate();
    let met = toneup.rate() >= RATE
        && toneup.sorted().percentile(99.0) <= P99_MS
        && ratio >= RATIO
        && toneup.failures == 0;
    let target = "8,000 a second, p99 50 ms, 20 times the peer";
    report.row(row(TOGGLES, &toneup).number("ratio", ratio).wanted(target, met))?;
    report.row(row(LOCKED, &locked))?;
    let times = [(TOGGLES, &toneup), (LOCKED, &locked)]
        .map(|(label, driven)| (label.to_owned(), driven.sorted()));
    report.chart(latency_chart(
        "social-likes",
        "Everybody toggles one post",
        "share of toggles",
        &times,
    ));
    Ok(())
}

async fn toggle(base: &str, crowd: &Crowd, duration: Duration) -> anyhow::Result<Driven> {
    let crowd = crowd.clone();
    let path = format!("/api/feeds/{HOT_POST}/like");
    let next = move |turn: usize| Request::new(Method::POST, &path, crowd.turn(turn));
    drive(base, CLIENTS, &after(duration), None, next).await
}

fn row(what: &str, driven: &Driven) -> Row {
    let times = driven.sorted();
    Row::default()
        .with("what", what)
        .count("per_second", driven.rate())
        .number("p50_ms", times.median())
        .number("p99_ms", times.percentile(99.0))
        .with("failures", driven.failures)
}
