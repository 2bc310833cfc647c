//! Ten thousand toggles of following between a hundred people.

use futures_util::{StreamExt, TryStreamExt, stream};
use rand::RngExt;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::guest;
use crate::load::target::http;
use crate::measure::percentiles::Sorted;
use crate::report::Row;
use crate::scenarios::common::Bench;
use crate::site::Site;

const PEOPLE: usize = 100;
/// Toggles of one person: fewer than a person may make in a minute.
const EACH: (usize, usize) = (100, 20);
const AT_ONCE: usize = 256;

struct Person {
    token: String,
    number: Value,
}

/// Has everybody toggle following the others, many at a time.
pub(super) async fn run(bench: &Bench<'_>, site: &Site) -> anyhow::Result<Row> {
    let http = http()?;
    let people: Vec<Person> =
        stream::iter(0..PEOPLE).map(|_| person(&http, &site.api)).buffered(8).try_collect().await?;
    let (whole, quick) = EACH;
    let each = if bench.quick { quick } else { whole };
    let began = Instant::now();
    let answers: Vec<(f64, bool)> = stream::iter(0..PEOPLE * each)
        .map(|n| toggle(&http, &site.api, &people, n % PEOPLE))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let seconds = began.elapsed().as_secs_f64();
    let failures = answers.iter().filter(|(_, is_done)| !is_done).count();
    let times = Sorted::new(answers.iter().map(|(ms, _)| *ms));
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let rate = answers.len() as f64 / seconds;
    Ok(Row::default()
        .with("what", "toggles of following between 100 people, 256 at once")
        .with("requests", answers.len())
        .with("failures", failures)
        .number("per_s", rate)
        .number("p50_ms", times.median())
        .number("p99_ms", times.percentile(99.0))
        .wanted("counts = rows, no failures", failures == 0))
}

async fn person(http: &Client, api: &str) -> anyhow::Result<Person> {
    let token = guest(http, api).await?;
    let request = http.get(format!("{api}/v1/me")).bearer_auth(&token);
    let me: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(Person { token, number: me["number"].clone() })
}

/// Time of one toggle in milliseconds, and whether it was done.
async fn toggle(http: &Client, api: &str, people: &[Person], who: usize) -> (f64, bool) {
    let other = (who + rand::rng().random_range(1..PEOPLE)) % PEOPLE;
    let body = json!({ "targetUserId": people[other].number });
    let request = http.post(format!("{api}/api/friends")).bearer_auth(&people[who].token);
    let sent = Instant::now();
    let answer = request.json(&body).send().await;
    (sent.elapsed().as_secs_f64() * 1e3, answer.is_ok_and(|answer| answer.status().is_success()))
}
