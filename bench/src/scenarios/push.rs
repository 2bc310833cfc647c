//! Push latency: from a result in the database to the request at a webhook; 20 results per second, one receiver.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::common::{Bench, Setup};
use crate::load::{self, Target, target};
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};
use crate::site::Plan;
use crate::stub::Settings;
use crate::stub::record::Clock;

const RATE: f64 = 20.0;
const USERS: usize = 10;
/// Longest wait for the last requests after the last result.
const PATIENCE: Duration = Duration::from_secs(20);

/// Receiver of the webhooks: milliseconds from each result's time to its request.
#[derive(Debug, Clone, Default)]
struct Receiver {
    delays: Arc<Mutex<Vec<f64>>>,
    clock: Clock,
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("push", bench.quick);
    let analyzers = [Settings { slots: 8, service_ms: 100.0, ..Settings::default() }];
    let allow = ("WEBHOOK_ALLOWED_HOSTS".to_owned(), "127.0.0.1".to_owned());
    let alter = |plan: &mut Plan| plan.settings.push(allow);
    let mut setup = Setup::start_with(bench, "push", &analyzers, USERS, alter).await?;
    setup.site.start_workers(1, &[]).await?;
    let receiver = Receiver::default();
    // Ends with this function, as it is dropped.
    let mut serving = JoinSet::new();
    let url = receiver.serve(&mut serving).await?;
    add_webhooks(&setup.site.api, &setup.target, &url).await?;

    let duration = bench.seconds(60.0);
    let jobs = load::open(&setup.target, 0, RATE, duration, PATIENCE).await;
    let deadline = Instant::now() + PATIENCE;
    while receiver.delays().len() < jobs.finished() && Instant::now() < deadline {
        sleep(Duration::from_millis(100)).await;
    }
    let delays = Sorted::new(receiver.delays());
    let (results, told) = (jobs.finished(), delays.values().len());
    setup.end(&jobs).await?;
    let row = Row::default()
        .with("channel", "webhook")
        .with("results", results)
        .with("told", told)
        .number("p50_ms", delays.median())
        .number("p99_ms", delays.percentile(99.0))
        .number("max_ms", delays.max());
    report.row(row.wanted("each result told", told >= results && results > 0))?;
    Ok(report)
}

async fn add_webhooks(api: &str, target: &Target, url: &str) -> anyhow::Result<()> {
    let Target::ToneUp { users } = target else { return Ok(()) };
    let http = target::http()?;
    for user in users {
        let webhook = http.post(format!("{api}/v1/webhooks")).json(&json!({ "url": url }));
        let answer = webhook.bearer_auth(user.token()).send().await?;
        ensure!(answer.status().is_success(), "adding a webhook: {}", answer.status());
    }
    Ok(())
}

impl Receiver {
    async fn serve(&self, serving: &mut JoinSet<()>) -> anyhow::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let app = Router::new().route("/", post(note)).with_state(self.clone());
        serving.spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(url)
    }

    fn delays(&self) -> Vec<f64> {
        self.delays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn note(State(receiver): State<Receiver>, body: String) -> StatusCode {
    let now = receiver.clock.now_ms();
    match finished_ms(&body) {
        Ok(finished) => {
            let mut delays = receiver.delays.lock().unwrap_or_else(PoisonError::into_inner);
            delays.push(now - finished);
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

/// Time at which the result was written, by the database's clock, which is that of this machine.
fn finished_ms(body: &str) -> anyhow::Result<f64> {
    let told: Value = serde_json::from_str(body)?;
    let finished = told["data"]["finishedAt"].as_str().context("not finished")?;
    let finished = OffsetDateTime::parse(finished, &Rfc3339)?;
    Ok((finished - OffsetDateTime::UNIX_EPOCH).as_seconds_f64() * 1e3)
}
