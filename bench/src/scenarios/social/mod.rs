//! Feed, posts and likes: likes under load and under faults on a small site, feeds and deletions on a large one. Both have a
//! MariaDB of their own, which flushes each commit.

mod crowd;
mod deletion;
mod fill;
mod home;
mod hot_post;
mod paging;
mod posting;
mod storm;

use anyhow::Context;

use self::crowd::Crowd;
use self::fill::Size;
use super::common::Bench;
use crate::report::Report;
use crate::site::database::OwnDatabase;
use crate::site::{Plan, Services, Site};

/// Address without an analyzer.
const NO_ANALYZER: &str = "http://127.0.0.1:1";
/// APIs of the site whose processes are killed.
const REPLICAS: usize = 3;

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("social", bench.quick);
    let mut database = OwnDatabase::start().await?;
    let services = Services { database_url: database.url.clone(), ..bench.services.clone() };
    let size = Size::new(bench.quick);
    likes(bench, &services, &mut database, size, &mut report).await.context("likes")?;
    feeds(bench, &services, size, &mut report).await.context("feeds")?;
    Ok(report)
}

fn plan(name: &str) -> Plan {
    Plan::new(name, vec![NO_ANALYZER.to_owned()])
}

async fn likes(
    bench: &Bench<'_>,
    services: &Services,
    database: &mut OwnDatabase,
    size: Size,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut site = Site::open(services, plan("social-likes")).await?;
    fill::small(&mut site.connect().await?, size).await?;
    let crowd = Crowd::of(&site, fill::likers(size)).await?;
    hot_post::measure(bench, &site, &crowd, report).await?;
    while site.apis().len() < REPLICAS {
        site.add_replica().await?;
    }
    report.next_table();
    for seed in fill::SEEDS {
        report.row(storm::run(&site, database, &crowd, seed).await?)?;
    }
    site.close().await
}

async fn feeds(
    bench: &Bench<'_>,
    services: &Services,
    size: Size,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut site = Site::open(services, plan("social-feeds")).await?;
    fill::large(&mut site.connect().await?, size).await?;
    report.next_table();
    home::measure(bench, &site, size, report).await?;
    site.start_workers(1, &[]).await?;
    report.next_table();
    report.row(posting::measure(bench, &site, size).await?)?;
    report.next_table();
    for row in paging::measure(bench, &site).await? {
        report.row(row)?;
    }
    report.next_table();
    report.row(deletion::measure(bench, &site, size).await?)?;
    site.close().await
}
