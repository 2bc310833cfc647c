//! Identity: sessions from posted ID tokens, the check of access tokens, and following under concurrency.

mod follow;
mod provider;

use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use self::provider::Provider;
use super::common::Bench;
use crate::load::{self, target::http};
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};
use crate::site::{Plan, Site, cpu};

/// Sessions begun a second.
const RATE: f64 = 200.0;
/// Goal for the 99th percentile of the time that a posted ID token takes, in milliseconds.
const SIGN_IN_MS: f64 = 15.0;
/// Requests whose access token is checked, in a full and in a quick run.
const CHECKS: (u32, u32) = (40_000, 10_000);
/// Requests with and without a token take turns: the machine's speed changes.
const TURNS: u32 = 10;
/// Requests on their way at the same time.
const AT_ONCE: usize = 16;
/// Goal for the check of an access token, in microseconds of a core.
const CHECK_MICROS: f64 = 100.0;
/// Address without an analyzer.
const NO_ANALYZER: &str = "http://127.0.0.1:1";

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("identity", bench.quick);
    let provider = Provider::start().await?;
    let mut plan = Plan::new("identity", vec![NO_ANALYZER.to_owned()]);
    plan.settings = vec![
        ("SIGN_IN_PROVIDERS".to_owned(), provider.settings()),
        ("SIGN_IN_PER_MINUTE".to_owned(), "1000000".to_owned()),
    ];
    let site = Site::open(bench.services, plan).await?;
    report.row(sign_in(bench, &site, &provider).await?)?;
    report.row(access(bench, &site).await?)?;
    report.row(follow::run(bench, &site).await?)?;
    ensure!(counters_agree(&site).await?, "`toneup check counters` found differences");
    report.remark("`toneup check counters` found no difference".to_owned())?;
    site.close().await?;
    Ok(report)
}

/// Posts ID tokens of people who have never been seen: each becomes an account with a session.
async fn sign_in(bench: &Bench<'_>, site: &Site, provider: &Provider) -> anyhow::Result<Row> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
    let count = (RATE * bench.seconds(30.0).as_secs_f64()) as usize;
    let tokens = provider.tokens(count + 1).await?;
    let (first, tokens) = tokens.split_first().context("no token")?;
    let http = http()?;
    let url = format!("{}/v1/sessions", site.api);
    let post = |token: &str| {
        let request = http.post(&url).json(&json!({ "provider": "acme", "idToken": token }));
        async move { anyhow::Ok(request.send().await?.status()) }
    };
    // Fetches the keys.
    let status = post(first).await?;
    ensure!(status.is_success(), "signing in: {status}");
    let answers = load::paced(RATE, tokens.iter().map(|token| post(token))).await;
    let failures = answers.iter().filter(|(_, answer)| !is_success(answer)).count();
    let times = Sorted::new(answers.iter().map(|(ms, _)| *ms));
    let p99 = times.percentile(99.0);
    Ok(Row::default()
        .with("what", "sessions from posted ID tokens, 200/s")
        .with("requests", answers.len())
        .with("failures", failures)
        .number("p50_ms", times.median())
        .number("p99_ms", p99)
        .wanted("p99 <= 15 ms, no failures", failures == 0 && p99 <= SIGN_IN_MS))
}

fn is_success(answer: &anyhow::Result<StatusCode>) -> bool {
    answer.as_ref().is_ok_and(StatusCode::is_success)
}

/// Compares requests that are refused for a parameter, which is looked at after the token, with requests that are
/// refused for the token they lack: the difference is what the check costs.
async fn access(bench: &Bench<'_>, site: &Site) -> anyhow::Result<Row> {
    let (whole, quick) = CHECKS;
    let checks = if bench.quick { quick } else { whole };
    let http = http()?;
    let token = guest(&http, &site.api).await?;
    let (mut with, mut without, mut statements) = (Duration::ZERO, Duration::ZERO, 0);
    for _ in 0..TURNS {
        let before = site.statements().await?;
        with += refusals(site, &http, Some(&token), checks / TURNS).await?;
        statements += site.statements().await? - before;
        without += refusals(site, &http, None, checks / TURNS).await?;
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(checks);
    let check = each(with.saturating_sub(without));
    #[expect(clippy::cast_precision_loss, reason = "few statements")]
    let per_request = statements as f64 / f64::from(checks);
    Ok(Row::default()
        .with("what", "check of an access token")
        .with("requests", checks)
        .number("cpu_us", each(with))
        .number("cpu_us_without", each(without))
        .number("check_us", check)
        .number("statements", per_request)
        .wanted(
            "<= 100 us, no statement (some are the sweeps')",
            check <= CHECK_MICROS && per_request < 0.01,
        ))
}

/// CPU time of the API for requests that are refused.
async fn refusals(
    site: &Site,
    http: &Client,
    token: Option<&str>,
    count: u32,
) -> anyhow::Result<Duration> {
    let url = format!("{}/v1/analyses?limit=0", site.api);
    let expected = if token.is_some() { 422 } else { 401 };
    let api = *site.processes()?.first().context("no API")?;
    let before = cpu::used(api)?;
    let requests = (0..count).map(|_| {
        let request = http.get(&url);
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        async move {
            let status = request.send().await?.status();
            ensure!(status == expected, "{status} instead of {expected}");
            Ok(())
        }
    });
    stream::iter(requests).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(cpu::used(api)?.saturating_sub(before))
}

/// Access token of a new guest.
async fn guest(http: &Client, api: &str) -> anyhow::Result<String> {
    let request = http.post(format!("{api}/v1/sessions/guest")).json(&json!({}));
    let session: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(session["accessToken"].as_str().context("no access token")?.to_owned())
}

async fn counters_agree(site: &Site) -> anyhow::Result<bool> {
    Ok(site.run_tool(&["check", "counters"]).await?.success())
}
