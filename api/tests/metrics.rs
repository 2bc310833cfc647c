//! Exported metrics: every metric that is documented, and no other.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::MySqlPool;
use toneup_platform::metrics::{self, Metric};
use toneup_testing::{RunningAnalyzer, Stack, eventually, photo, repository};

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).filter(|word| word.starts_with("toneup_")).collect()
}

/// The tables of both programs.
fn tables() -> Vec<&'static [Metric]> {
    let mut tables = toneup_api::app::metrics();
    tables.extend(toneup_worker::metrics::tables());
    tables
}

fn all_names() -> BTreeSet<&'static str> {
    tables().into_iter().flatten().map(|(name, ..)| *name).collect()
}

/// Those in the table of `docs/operations.md`.
fn documented() -> String {
    let text = std::fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `toneup_"));
    rows.map(|row| row.split('|').nth(1).unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_metric_is_documented() {
    let text = documented();
    assert_eq!(names(&text), all_names());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_leaves_its_trace_in_every_metric(db: MySqlPool) {
    let recorder = metrics::install(&tables()).unwrap();
    let analyzer = RunningAnalyzer::start().await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", &analyzer.url);
    let stack = stack.with("JOB_AUDIT_INTERVAL", "200ms");
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let key = guest.upload(photo("face.jpg")).await;
    let mut events = guest.events("/v1/events", None).await;
    let request = guest.request(reqwest::Method::POST, "/v1/analyses").header("prefer", "wait=50");
    let ended = guest.send(request.json(&json!({ "objectKey": key }))).await;
    assert_eq!(ended.body["status"], "succeeded", "{ended:?}");
    events.find(|analysis| analysis["status"] == "succeeded").await;

    // Pushes have channels of their own.
    let elsewhere = BTreeSet::from([
        "toneup_push_due",
        "toneup_pushes_total",
        "toneup_push_answer_seconds",
        "toneup_push_seconds",
    ]);
    // So have conversations.
    let is_of_jobs = |name: &&str| !elsewhere.contains(name) && !name.starts_with("toneup_chat_");
    let expected: BTreeSet<&str> = all_names().into_iter().filter(is_of_jobs).collect();
    eventually("every metric has a value", async || {
        let text = recorder.render();
        let values: String =
            text.lines().filter(|l| !l.starts_with('#')).collect::<Vec<_>>().join("\n");
        let seen: BTreeSet<&str> = names(&values)
            .into_iter()
            .map(|name| {
                ["_bucket", "_sum", "_count"].iter().fold(name, |n, s| n.trim_end_matches(s))
            })
            .collect();
        expected.is_subset(&seen).then_some(())
    })
    .await;
    let text = recorder.render();
    let finished = r#"toneup_jobs_finished_total{kind="analysis",status="succeeded",code="OK"} 1"#;
    assert!(text.contains(finished), "{text}");
    assert!(
        text.contains(r#"toneup_job_attempts_total{kind="analysis",outcome="succeeded"} 1"#),
        "{text}"
    );
    assert!(text.contains(r#"route="/v1/analyses",status="200"} 1"#), "{text}");
    assert!(text.contains("toneup_analyze_seconds_bucket{le=\"60\"} 1"), "{text}");
    assert!(text.contains("toneup_open_streams 1"), "{text}");
    drop(events);
    eventually("the stream is closed", async || {
        recorder.render().contains("toneup_open_streams 0").then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn no_client_can_raise_the_number_of_series(db: MySqlPool) {
    let recorder = metrics::install(&tables()).unwrap();
    let guest = Stack::new(db).await.api().await.guest().await;
    for path in ["/nowhere/1", "/nowhere/2", "/v1/analyses/not-an-id", "/v1/analyses/another"] {
        assert_eq!(guest.get(path).await.status, 404);
    }
    let odd = reqwest::Method::from_bytes(b"BREW").unwrap();
    guest.send(guest.request(odd, "/v1/analyses")).await;
    let text = recorder.render();
    assert!(!text.contains("nowhere") && !text.contains("another") && !text.contains("BREW"));
    assert!(text.contains(r#"route="unmatched",status="404"} 2"#), "{text}");
    assert!(text.contains(r#"route="/v1/analyses/{id}",status="404"} 2"#), "{text}");
}
