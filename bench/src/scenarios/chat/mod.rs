//! Conversations: delivery, durable messages a second, memory of connections, large rooms, losses, the list of rooms; beside
//! Node's Socket.IO in the same run.

mod crowd;
mod gathering;
mod idle;
mod list;
mod losses;
mod peer;
mod talk;
mod world;

use std::net::SocketAddr;

use anyhow::Context;

use self::peer::Peer;
use self::talk::{RATE, Talk, talk};
use self::world::{Person, settle, settle_peer};
use super::common::{Bench, latency_chart};
use crate::measure::memory::raise_file_limit;
use crate::report::{Report, Row};
use crate::site::{Plan, Site};

/// Rooms of the connections that talk, in a full and in a quick run, and the members of each.
const ROOMS: (usize, usize) = (200, 60);
const MEMBERS: usize = 5;
/// Seconds of the steady load.
const TALK_SECONDS: f64 = 24.0;
/// Connections that wait, in a full and in a quick run.
const IDLE: (usize, usize) = (10_000, 1_200);
/// Members of the large room, in a full and in a quick run.
const LARGE: (usize, usize) = (1_000, 1_000);
/// Messages to the large room.
const TO_LARGE: usize = 20;
/// Address without an analyzer.
const NO_ANALYZER: &str = "http://127.0.0.1:1";

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("chat", bench.quick);
    let size = |(whole, quick)| if bench.quick { quick } else { whole };
    // Before the API starts, which inherits it.
    raise_file_limit(size(IDLE))?;
    let mut plan = Plan::new("chat", vec![NO_ANALYZER.to_owned()]);
    plan.settings.push(("SOCKETS_PER_REPLICA".to_owned(), "100000".to_owned()));
    let mut site = Site::open(bench.services, plan).await?;

    delivery(bench, &site, size(ROOMS), &mut report).await?;
    site.restart_api().await?;
    for row in memory(&site, size(IDLE)).await? {
        report.row(row)?;
    }
    for row in large_room(&site, size(LARGE)).await? {
        report.row(row)?;
    }
    report.row(losses::of_toneup(&site).await?)?;
    report.row(losses::of_peer(&site).await?)?;
    for row in list::rows(&site, bench.quick).await? {
        report.row(row)?;
    }
    site.close().await?;
    Ok(report)
}

fn address_of(site: &Site) -> anyhow::Result<SocketAddr> {
    site.api.trim_start_matches("http://").parse().context("the API has no address")
}

/// A steady load, and as many messages as there can be.
async fn delivery(
    bench: &Bench<'_>,
    site: &Site,
    rooms: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let duration = bench.seconds(TALK_SECONDS);
    let people = settle(site, rooms, MEMBERS).await?;
    let ours = talk(address_of(site)?, &people, MEMBERS, duration).await?;
    let people = settle_peer(site, rooms, MEMBERS).await?;
    let peer = Peer::start(site, 1).await?;
    let theirs = talk(peer.address(0), &people, MEMBERS, duration).await?;
    for talk in [&ours, &theirs] {
        let refusal = talk.refused.first();
        anyhow::ensure!(refusal.is_none(), "refused: {refusal:?}, of {}", talk.refused.len());
    }
    let (p50, p99) = (ours.delays.median(), ours.delays.percentile(99.0));
    let is_quick = p50 <= 10.0 && p99 <= 40.0 && ours.missing == 0;
    let is_ahead = p99 <= theirs.delays.percentile(99.0);
    let is_fast = ours.flood_rate >= 2_000.0 && ours.flood_rate >= theirs.flood_rate;
    let target = "p50 <= 10, p99 <= 40, p99 ahead of socket.io";
    for row in [
        steady_row("toneup", &ours).wanted(target, is_quick && is_ahead),
        steady_row("socket.io", &theirs),
        flood_row("toneup", &ours).wanted("per_s >= 2000 and ahead of socket.io", is_fast),
        flood_row("socket.io", &theirs),
    ] {
        report.row(row)?;
    }
    let times = [("toneup", ours), ("socket.io", theirs)];
    let times = times.map(|(label, talk)| (label.to_owned(), talk.delays));
    let title = format!("From sending to receiving, {RATE} messages a second");
    report.chart(latency_chart("chat-delivery", &title, "share of deliveries", &times));
    Ok(())
}

fn steady_row(system: &str, talk: &Talk) -> Row {
    Row::default()
        .with("measured", format!("sent to received at {RATE}/s"))
        .with("system", system)
        .with("connections", talk.connections)
        .number("p50_ms", talk.delays.median())
        .number("p99_ms", talk.delays.percentile(99.0))
        .with("lost", talk.missing)
}

fn flood_row(system: &str, talk: &Talk) -> Row {
    Row::default()
        .with("measured", "most durable messages")
        .with("system", system)
        .with("connections", talk.connections)
        .count("per_s", talk.flood_rate)
        .number("p50_ms", talk.flood_acks.median())
        .number("p99_ms", talk.flood_acks.percentile(99.0))
}

/// Memory of connections that wait.
async fn memory(site: &Site, connections: usize) -> anyhow::Result<Vec<Row>> {
    let rooms = connections / MEMBERS;
    let people = settle(site, rooms, MEMBERS).await?;
    let process = site.api_process().context("the API has ended")?;
    let ours = idle::kilobytes_each(address_of(site)?, process, &people).await?;
    let people = settle_peer(site, rooms, MEMBERS).await?;
    let peer = Peer::start(site, 1).await?;
    let theirs = idle::kilobytes_each(peer.address(0), peer.process()?, &people).await?;
    let row = |system: &str, each| {
        Row::default()
            .with("measured", "idle connections")
            .with("system", system)
            .with("connections", people.len())
            .number("kb_each", each)
    };
    let target = "kb_each <= 15 and less than socket.io";
    let met = ours <= 15.0 && ours < theirs;
    Ok(vec![row("toneup", ours).wanted(target, met), row("socket.io", theirs)])
}

/// One message to a large room: all connected, and all looking at it.
async fn large_room(site: &Site, members: usize) -> anyhow::Result<Vec<Row>> {
    let people = settle(site, 1, members).await?;
    let connected = gathering::last_arrivals(address_of(site)?, &people, TO_LARGE).await?;
    let viewing = |person: Person| Person { views: true, ..person };
    let people: Vec<Person> = settle(site, 1, members).await?.into_iter().map(viewing).collect();
    let looking = gathering::last_arrivals(address_of(site)?, &people, TO_LARGE).await?;
    let people = settle_peer(site, 1, members).await?;
    let peer = Peer::start(site, 1).await?;
    let theirs = gathering::last_arrivals(peer.address(0), &people, TO_LARGE).await?;
    let row = |measured: &str, system: &str, last: &crate::measure::percentiles::Sorted| {
        Row::default()
            .with("measured", measured)
            .with("system", system)
            .with("connections", members)
            .number("p50_ms", last.median())
            .number("max_ms", last.max())
    };
    let met = |last: &crate::measure::percentiles::Sorted| last.median() <= 50.0;
    let target = "the last member's p50 <= 50";
    Ok(vec![
        row("the last of a room's members", "toneup", &connected).wanted(target, met(&connected)),
        row("the same, all look at it", "toneup", &looking).wanted(target, met(&looking)),
        row("the last of a room's members", "socket.io", &theirs),
    ])
}
