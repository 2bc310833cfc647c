//! What a post costs its author, with very many followers and with one, and when the followers see it.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::crowd::{Person, Request};
use super::fill::{FAN, NOBODY, STAR, Size};
use crate::load::signer::Signer;
use crate::load::wire::Wire;
use crate::measure::percentiles::Sorted;
use crate::report::Row;
use crate::scenarios::common::Bench;
use crate::site::{Site, repository};

/// Posts of each in a full and in a quick run; 120 an hour are allowed.
const POSTS: (usize, usize) = (100, 40);
/// Of so many posts one is followed until the fan sees it.
const WATCHED: usize = 10;
/// Longest time until a picture is made.
const PATIENCE: Duration = Duration::from_mins(1);
/// Target: how much more the star's posts may cost.
const RATIO: f64 = 1.1;

/// Measures both authors in turns.
pub(super) async fn measure(bench: &Bench<'_>, site: &Site, size: Size) -> anyhow::Result<Row> {
    let signer = Signer::of(&site.api).await?;
    let (whole, quick) = POSTS;
    let posts = if bench.quick { quick } else { whole };
    let fan = Person::new(&signer, FAN)?;
    let mut authors = Vec::new();
    for number in [STAR, NOBODY] {
        let person = Person::new(&signer, number)?;
        let key = upload(&site.api, &person).await?;
        authors.push((person, key, Vec::new()));
    }
    let mut wire = Wire::new(&site.api);
    let (mut watched, mut seen) = (0, 0);
    for turn in 0..posts {
        for (author, key, times) in &mut authors {
            let sent = Instant::now();
            let post = publish(&mut wire, author, key).await?;
            times.push(sent.elapsed().as_secs_f64() * 1e3);
            if turn.is_multiple_of(WATCHED) {
                watched += 1;
                ready(&mut wire, author, &post).await?;
                let page = wire.ask(Method::GET, "/v1/feed?limit=5", &fan.token, None).await?;
                let page = page.success()?;
                let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
                seen += usize::from(items.iter().any(|item| item["id"] == *post));
            }
        }
    }
    let [star, nobody] = [0, 1].map(|author| Sorted::new(authors[author].2.clone()));
    let ratio = star.median() / nobody.median();
    Ok(Row::default()
        .with("what", "a post by somebody with very many followers")
        .with("followers", size.followers)
        .number("p50_ms", star.median())
        .number("p99_ms", star.percentile(99.0))
        .number("with_one_p50_ms", nobody.median())
        .number("with_one_p99_ms", nobody.percentile(99.0))
        .number("ratio", ratio)
        .with("looked_for", watched)
        .with("seen_at_the_next_request", seen)
        .wanted("ratio 1.1, each seen", ratio <= RATIO && seen == watched))
}

/// Uploads a picture as a client does; returns its key.
pub(super) async fn upload(api: &str, person: &Person) -> anyhow::Result<String> {
    let picture = std::fs::read(repository().join("api/src/features/pictures/default.jpg"))?;
    let photo = crate::load::Photo(picture.into());
    let http = crate::load::target::http()?;
    crate::load::target::upload(&http, api, &person.token, &photo).await
}

/// Publishes a post with an uploaded picture; returns its id.
pub(super) async fn publish(wire: &mut Wire, author: &Person, key: &str) -> anyhow::Result<String> {
    let mut request = Request::new(Method::POST, "/v1/posts", author);
    request.body = Some(json!({ "text": "new", "pictures": [{ "objectKey": key }] }));
    let Request { method, path, token, body } = request;
    let post =
        wire.ask(method, &path, &token, body.as_ref()).await?.success().context("posting")?;
    Ok(post["id"].as_str().context("a post without an id")?.to_owned())
}

/// Waits until a post is shown.
async fn ready(wire: &mut Wire, author: &Person, post: &str) -> anyhow::Result<Value> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let path = format!("/v1/posts/{post}");
        let found = wire.ask(Method::GET, &path, &author.token, None).await?.success()?;
        if found["state"] == "ready" {
            return Ok(found);
        }
        ensure!(Instant::now() < give_up, "a picture is not made");
        sleep(Duration::from_millis(5)).await;
    }
}
