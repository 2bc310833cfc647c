//! Cold start: the first requests after a start, compared with the hundred that follow.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::common::Bench;
use crate::load::{Photo, User};
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};
use crate::site::{Plan, Site};

/// Number of starts of the API in a full and in a quick run.
const STARTS: (usize, usize) = (5, 3);
/// Number of requests after the first.
const FOLLOWING: usize = 100;
/// Pause before every request, the first one too: after a pause processors and processes sleep, which is not an effect
/// of the start.
const SILENCE: Duration = Duration::from_millis(30);
/// Target of the first request's latency, relative to the median of the following.
const WANTED: f64 = 1.5;
/// Size of the photos: small, since they are not analysed.
const PHOTO_BYTES: usize = 20_000;
/// Address without an analyzer.
const NO_ANALYZER: &str = "http://127.0.0.1:1";

/// A kind of request.
#[derive(Debug, Clone, Copy)]
enum Kind {
    GuestSession,
    HistoryPage,
    Submit,
}

/// Names of the kinds, in the order in which a client makes the requests.
const KINDS: [&str; 3] = ["guest session", "page of the history", "submit"];

impl Kind {
    fn request(self, http: &Client, api: &str, user: Option<&User>) -> Option<RequestBuilder> {
        let signed = |request: RequestBuilder, user: &User| request.bearer_auth(user.token());
        match (self, user) {
            (Self::GuestSession, _) => {
                Some(http.post(format!("{api}/v1/sessions/guest")).json(&json!({})))
            }
            (Self::HistoryPage, Some(user)) => {
                Some(signed(http.get(format!("{api}/v1/analyses")), user))
            }
            (Self::Submit, Some(user)) => {
                let body = json!({ "objectKey": user.object_key() });
                Some(signed(http.post(format!("{api}/v1/analyses")).json(&body), user))
            }
            (Self::HistoryPage | Self::Submit, None) => None,
        }
    }
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("start", bench.quick);
    let (whole, quick) = STARTS;
    let starts = if bench.quick { quick } else { whole };
    let plan = Plan::new("start", vec![NO_ANALYZER.to_owned()]);
    let mut site = Site::open(bench.services, plan).await?;
    // So that the database is not one that has never been used.
    measure(&site).await?;
    let mut measured = vec![Vec::new(); KINDS.len()];
    for _ in 0..starts {
        site.restart_api().await?;
        for (starts, start) in measured.iter_mut().zip(measure(&site).await?) {
            starts.push(start);
        }
    }
    site.close().await?;
    for (name, starts) in KINDS.iter().zip(measured) {
        report.row(row(name, &starts))?;
    }
    Ok(report)
}

/// Measures every kind after one start. Each request is of a different user: a user's first analyses are published at
/// once, and later ones are held.
async fn measure(site: &Site) -> anyhow::Result<Vec<Measured>> {
    let mut measured = vec![first_and_following(Kind::GuestSession, &site.api, &[]).await?];
    let http = crate::load::target::http()?;
    let mut photo = Photo::made_up();
    photo.0.truncate(PHOTO_BYTES);
    let mut users = Vec::with_capacity(FOLLOWING + 1);
    for _ in 0..=FOLLOWING {
        users.push(User::sign_in(&http, &site.api, &photo).await?);
    }
    for kind in [Kind::HistoryPage, Kind::Submit] {
        measured.push(first_and_following(kind, &site.api, &users).await?);
    }
    Ok(measured)
}

/// Latency of a kind of request: the first after a start, and the median of the following, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Measured {
    first: f64,
    median: f64,
}

fn row(name: &str, starts: &[Measured]) -> Row {
    let sorted = |of: fn(&Measured) -> f64| Sorted::new(starts.iter().map(of));
    let ratios = sorted(|start| start.first / start.median);
    Row::default()
        .with("request", name)
        .with("starts", starts.len())
        .number("first_ms", sorted(|start| start.first).median())
        .number("following_ms", sorted(|start| start.median).median())
        .number("first_by_following", ratios.median())
        .number("worst_start", ratios.max())
        .wanted("first/following <= 1.5", ratios.median() <= WANTED)
}

async fn first_and_following(kind: Kind, api: &str, users: &[User]) -> anyhow::Result<Measured> {
    let first = time(kind, api, users.first()).await?;
    let mut following = Vec::with_capacity(FOLLOWING);
    for n in 1..=FOLLOWING {
        following.push(time(kind, api, users.get(n)).await?);
    }
    Ok(Measured { first, median: Sorted::new(following).median() })
}

/// Latency of one request, on a connection of its own, in milliseconds.
async fn time(kind: Kind, api: &str, user: Option<&User>) -> anyhow::Result<f64> {
    let http = Client::builder().no_proxy().timeout(Duration::from_secs(10)).tcp_nodelay(true);
    let http = http.build()?;
    let request = kind.request(&http, api, user).context("no user has signed in")?;
    sleep(SILENCE).await;
    let sent = Instant::now();
    let answer = request.send().await?;
    ensure!(answer.status().is_success(), "{kind:?}: {}", answer.status());
    answer.json::<Value>().await?;
    Ok(sent.elapsed().as_secs_f64() * 1e3)
}
