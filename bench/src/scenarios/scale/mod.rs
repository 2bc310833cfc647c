//! Scale: a hundred workers, a million jobs, thousands of users, and the limits of the servers. Each finding is one row.

mod changes;
mod counters;
mod filling;
mod finding;
mod fleet;
mod statements;
mod tables;
mod tenants;

use futures_util::future::LocalBoxFuture;

use self::counters::Servers;
use self::finding::finding;
use super::common::Bench;
use crate::report::Report;

/// Page that the results are written to.
const PAGE: &str = "docs/scaling.md";

/// A part of the scenario, with the servers that it may use.
type Part = for<'a> fn(
    &'a Bench<'a>,
    &'a Servers,
    &'a mut Report,
) -> LocalBoxFuture<'a, anyhow::Result<()>>;

/// Runs the scenario and returns its report. A part that fails does not keep the others from running.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("scale", bench.quick).on(PAGE);
    let parts: [(&str, Part); 5] = [
        ("fleet", |bench, servers, report| Box::pin(fleet::run(bench, servers, report))),
        ("changes", |bench, servers, report| Box::pin(changes::run(bench, servers, report))),
        ("statements", |bench, servers, report| Box::pin(statements::run(bench, servers, report))),
        ("tenants", |bench, servers, report| Box::pin(tenants::run(bench, servers, report))),
        ("tables", |bench, servers, report| Box::pin(tables::run(bench, servers, report))),
    ];
    let servers = Servers::start(bench.services).await?;
    for (name, part) in parts {
        if let Err(error) = part(bench, &servers, &mut report).await {
            report.row(
                finding("failed", f64::NAN, &format!("{name}: {error:#}"))
                    .wanted("measured", false),
            )?;
        }
    }
    Ok(report)
}
