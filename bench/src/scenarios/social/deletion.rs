//! Somebody with very many posts leaves: what the others notice of it.

use std::time::Duration;

use anyhow::ensure;
use hyper::Method;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::crowd::{Crowd, Person, Request, drive};
use super::fill::{FEW, LEAVER, POSTS, Size, id, likers};
use crate::load::signer::Signer;
use crate::load::wire::Wire;
use crate::report::Row;
use crate::scenarios::common::Bench;
use crate::site::Site;

/// Connections of the load, and the time between two requests of each.
const CLIENTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(80);
/// Longest time until everything is erased.
const PATIENCE: Duration = Duration::from_mins(10);
/// Interval at which it is looked whether something is left.
const LOOK: Duration = Duration::from_millis(200);
/// Target: the others' 99th percentile, relative to that before and after.
const RATIO: f64 = 1.1;

/// Measures the others before, during and after.
pub(super) async fn measure(bench: &Bench<'_>, site: &Site, size: Size) -> anyhow::Result<Row> {
    let signer = Signer::of(&site.api).await?;
    let (leaver, reader) = (Person::new(&signer, LEAVER)?, Person::new(&signer, FEW)?);
    let crowd = Crowd::of(site, likers(size)).await?;
    let calm = bench.seconds(20.0);
    let next = move |turn: usize| match turn % 4 {
        0 => Request::new(Method::GET, "/v1/feed", &reader),
        1 => Request::new(Method::GET, "/v1/feed/newest", &reader),
        _ => {
            let post = id(POSTS + 1 + u64::try_from(turn).unwrap_or_default() % 1_000);
            Request::new(Method::PUT, format!("/v1/posts/{post}/like"), crowd.turn(turn))
        }
    };
    let over = CancellationToken::new();
    let deleting = async {
        sleep(calm).await;
        let begun = Instant::now();
        let erased = leave(site, &leaver).await.map(|()| (begun, Instant::now()));
        if erased.is_ok() {
            sleep(calm).await;
        }
        over.cancel();
        erased
    };
    let driving = drive(&site.api, CLIENTS, &over, Some(PAUSE), next);
    let (erased, driven) = tokio::join!(deleting, driving);
    let ((begun, ended), driven) = (erased?, driven?);
    let during = driven.within(begun, ended).percentile(99.0);
    let before = driven.within(begun - calm, begun).percentile(99.0);
    let after = driven.within(ended, ended + calm).percentile(99.0);
    let ratio = during / f64::midpoint(before, after);
    Ok(Row::default()
        .with("what", "deletion of an account, the others' requests")
        .with("posts", size.left)
        .number("seconds", (ended - begun).as_secs_f64())
        .count("per_second", driven.rate())
        .number("before_p99_ms", before)
        .number("p50_ms", driven.within(begun, ended).median())
        .number("p99_ms", during)
        .number("after_p99_ms", after)
        .number("ratio", ratio)
        .with("failures", driven.failures)
        .wanted("ratio 1.1, no failure", ratio <= RATIO && driven.failures == 0))
}

/// Deletes the account, and waits until nothing of its posts is left.
async fn leave(site: &Site, leaver: &Person) -> anyhow::Result<()> {
    let mut wire = Wire::new(&site.api);
    wire.ask(Method::DELETE, "/v1/me", &leaver.token, None).await?.success()?;
    let mut conn = site.connect().await?;
    let give_up = Instant::now() + PATIENCE;
    loop {
        let left = "SELECT EXISTS (SELECT 1 FROM posts WHERE user_id = ?)";
        let left = sqlx::query_scalar::<_, bool>(left).bind(leaver.id);
        if !left.fetch_one(&mut conn).await? {
            return Ok(());
        }
        ensure!(Instant::now() < give_up, "the account is not erased");
        sleep(LOOK).await;
    }
}
