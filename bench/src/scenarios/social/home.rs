//! The home feed over a large table: the first page and a deep one, of somebody who follows many and of somebody who follows
//! few; with the rows that the database reads for a page.

use anyhow::Context;
use hyper::Method;
use sqlx::MySqlConnection;
use tokio::time::Instant;

use super::crowd::Person;
use super::fill::{FEW, MANY, Size};
use crate::load::signer::Signer;
use crate::load::wire::Wire;
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};
use crate::scenarios::common::{Bench, latency_chart};
use crate::site::Site;

/// Requests before those that are measured.
const WARM_UP: usize = 20;
/// Measured requests in a full and in a quick run.
const REQUESTS: (usize, usize) = (500, 150);
/// Depth of the deep page.
const DEEP: usize = 50;
/// Targets of the 99th percentile, in ms: the first page of the one who follows many, of the one who follows few, a deep page.
const FIRST_MS: [f64; 2] = [15.0, 5.0];
const DEEP_MS: f64 = 60.0;
/// Rows that may be read for a page beside five for each who is followed on the first one: the posts themselves with what
/// adorns them, the window of a deep page, and what the api's own tasks read meanwhile.
const ROWS: f64 = 1_000.0;
const DEEP_ROWS: f64 = 14_000.0;

/// Measures both readers.
pub(super) async fn measure(
    bench: &Bench<'_>,
    site: &Site,
    size: Size,
    report: &mut Report,
) -> anyhow::Result<()> {
    let signer = Signer::of(&site.api).await?;
    let mut conn = site.connect().await?;
    let mut wire = Wire::new(&site.api);
    let (whole, quick) = REQUESTS;
    let requests = if bench.quick { quick } else { whole };
    let mut times = Vec::new();
    for (index, reader) in [MANY, FEW].into_iter().enumerate() {
        let (followed, person) = (size.followed[index], Person::new(&signer, reader)?);
        let (first, read) = page(&mut wire, &mut conn, &person, "/v1/feed", requests)
            .await
            .context("first page")?;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let most = followed as f64 * 5.0 + ROWS;
        let limit = FIRST_MS[index];
        let met = first.percentile(99.0) <= limit && read <= most;
        let target = format!("p99 {limit} ms, {most:.0} rows read");
        report.row(row(size, followed, 1, &first, read).wanted(target, met))?;

        let path = walk(&mut wire, &person).await?;
        let (deep, read) = page(&mut wire, &mut conn, &person, &path, requests).await?;
        let met = deep.percentile(99.0) <= DEEP_MS && read <= DEEP_ROWS;
        let target = format!("p99 {DEEP_MS} ms, {DEEP_ROWS:.0} rows read");
        report.row(row(size, followed, DEEP, &deep, read).wanted(target, met))?;
        times.push((format!("{followed} followed, page 1"), first));
        times.push((format!("{followed} followed, page {DEEP}"), deep));
    }
    let title = format!("A page of the home feed, {} posts", size.posts);
    report.chart(latency_chart("social-home", &title, "share of requests", &times));
    Ok(())
}

fn row(size: Size, followed: u64, page: usize, times: &Sorted, read: f64) -> Row {
    Row::default()
        .with("what", format!("home feed, {} posts", size.posts))
        .with("followed", followed)
        .with("page", page)
        .number("p50_ms", times.median())
        .number("p99_ms", times.percentile(99.0))
        .count("rows_read", read)
}

/// Goes to the deep page; returns its path.
async fn walk(wire: &mut Wire, person: &Person) -> anyhow::Result<String> {
    let mut path = "/v1/feed".to_owned();
    for _ in 1..DEEP {
        let page = wire.ask(Method::GET, &path, &person.token, None).await?.success()?;
        let cursor = page["nextCursor"].as_str().context("the feed ends too early")?;
        path = format!("/v1/feed?cursor={cursor}");
    }
    Ok(path)
}

/// Milliseconds of the requests, one after the other, and the rows that the database reads for each.
async fn page(
    wire: &mut Wire,
    conn: &mut MySqlConnection,
    person: &Person,
    path: &str,
    requests: usize,
) -> anyhow::Result<(Sorted, f64)> {
    let mut times = Vec::with_capacity(requests);
    let mut before = 0.0;
    for request in 0..requests + WARM_UP {
        if request == WARM_UP {
            before = rows_read(conn).await?;
        }
        let sent = Instant::now();
        let page = wire.ask(Method::GET, path, &person.token, None).await?;
        let ms = sent.elapsed().as_secs_f64() * 1e3;
        let items = page.success()?["items"].as_array().map_or(0, Vec::len);
        anyhow::ensure!(items == 20, "{items} posts on a page");
        if request >= WARM_UP {
            times.push(ms);
        }
    }
    let read = rows_read(conn).await? - before;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let each = read / times.len() as f64;
    Ok((Sorted::new(times), each))
}

/// Rows that the server has read so far, by keys or otherwise.
async fn rows_read(conn: &mut MySqlConnection) -> anyhow::Result<f64> {
    let asked = "SELECT CAST(SUM(VARIABLE_VALUE) AS DOUBLE) FROM information_schema.GLOBAL_STATUS
                 WHERE VARIABLE_NAME LIKE 'HANDLER_READ%'";
    Ok(sqlx::query_scalar(asked).fetch_one(conn).await?)
}
