//! Interpretation of each kind of response, over real sockets.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use toneup_colour::result::PersonalColor;
use toneup_jobs::document::Document;
use toneup_jobs::job::{Changed, JobId, Lease};
use toneup_platform::identity::UserId;
use toneup_platform::tls::Trust;
use toneup_platform::trace::TraceParent;
use toneup_testing::Authority;
use uuid::Uuid;
use wiremock::matchers::{body_string_contains, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::flow::endpoints::{ConnectOptions, endpoint};

fn claimed() -> Claimed {
    let (job, user) = (JobId::generate(), UserId(Uuid::now_v7()));
    let kind = "analysis".to_owned();
    Claimed {
        lease: Lease { job, attempt: 1, token: Uuid::new_v4() },
        user,
        payload: Document::of(&()).unwrap(),
        trace: TraceParent::new(),
        waited: None,
        remaining: None,
        changed: Changed { user, job, kind, version: 2, topics: BTreeSet::new() },
    }
}

async fn call(url: &str) -> Result<AnalysisResult, CallError> {
    call_for(url).await.result
}

async fn call_for(url: &str) -> Answer {
    call_trusting(&Trust::default(), url).await
}

async fn call_trusting(trust: &Trust, url: &str) -> Answer {
    let base: url::Url = url.parse().unwrap();
    let address = format!("{}:{}", base.host_str().unwrap(), base.port().unwrap());
    let options =
        ConnectOptions { answer_timeout: Duration::from_millis(300), tls: trust.rustls() };
    let endpoint = endpoint(&base, address.parse().unwrap(), &options).unwrap();
    analyze(&endpoint, &claimed(), Bytes::from_static(b"photo bytes")).await
}

async fn answered(response: ResponseTemplate) -> Result<AnalysisResult, CallError> {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/analyze-color"))
        .and(header_exists("traceparent"))
        .and(header_exists("content-length"))
        .and(body_string_contains("name=\"user_id\""))
        .and(body_string_contains("photo bytes"))
        .respond_with(response)
        .mount(&server)
        .await;
    call(&server.uri()).await
}

fn json(body: &'static str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body, "application/json")
}

#[tokio::test]
async fn our_analyzers_answer_keeps_its_details() {
    let result = answered(json(
        r##"{"userId": 0, "personalColor": "WINTER", "subtype": "deep", "confidence": 0.8,
            "palette": ["#102030"], "face": {"x": 1, "y": 2, "width": 3, "height": 4},
            "probabilities": {"SPRING": 0.1, "SUMMER": 0.1, "AUTUMN": 0, "WINTER": 0.8},
            "light": {"source": "SKIN", "hex": "#FFEEDD", "kelvin": 5200, "trust": 0.9},
            "regions": [{"name": "FOREHEAD", "measured": true, "points": [[1, 2], [3, 4]]}],
            "influences": [{"code": "LIGHT", "effect": 0.2}]}"##,
    ))
    .await
    .unwrap();
    assert_eq!(result.personal_color, PersonalColor::Winter);
    assert_eq!(result.subtype.as_deref(), Some("deep"));
    assert_eq!(result.palette, ["#102030"]);
    assert_eq!(result.probabilities.map(|shares| shares.winter), Some(0.8));
    assert_eq!(result.light.map(|light| light.kelvin), Some(5200.0));
    assert_eq!(result.regions[0].points, [[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(result.influences[0].code, "LIGHT");
}

#[tokio::test]
async fn the_original_servers_spelling_and_its_error_are_understood() {
    let autumn = answered(json(r#"{"userId": 7, "personalColor": "ATUMN"}"#)).await.unwrap();
    assert_eq!(autumn, AnalysisResult::bare(PersonalColor::Autumn));
    let error = answered(json(r#"{"userId": 7, "personalColor": "Error"}"#)).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(error) if error.code == "NO_FACE"));
}

#[tokio::test]
async fn the_photos_fault_is_final_and_keeps_its_code() {
    let problem = r#"{"code": "TOO_DARK", "title": "Too dark", "detail": "Find more light."}"#;
    let response = ResponseTemplate::new(422).set_body_raw(problem, "application/problem+json");
    match answered(response).await.unwrap_err() {
        CallError::Refused(error) => {
            assert_eq!((error.code.as_str(), error.retryable), ("TOO_DARK", false));
            assert_eq!(error.message, "Find more light.");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn overload_is_no_failure_and_says_when_to_return() {
    let response = ResponseTemplate::new(503)
        .insert_header("retry-after-ms", "700")
        .insert_header("retry-after", "1");
    let error = answered(response).await.unwrap_err();
    assert!(matches!(error, CallError::Busy { .. }));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(700)));
}

#[tokio::test]
async fn no_analyzer_asks_for_a_pause_of_days() {
    for header in ["retry-after", "retry-after-ms"] {
        let response = ResponseTemplate::new(500).insert_header(header, "18446744073709551615");
        let error = answered(response).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(RETRY_LIMIT), "{header}");
    }
}

#[tokio::test]
async fn a_wrong_address_is_an_outage_not_a_failed_photo() {
    assert!(matches!(answered(ResponseTemplate::new(404)).await, Err(CallError::Unreachable(_))));
    assert!(matches!(call("http://127.0.0.1:1").await, Err(CallError::Unreachable(_))));
}

#[tokio::test]
async fn the_analyzers_own_faults_are_retried() {
    for response in [
        ResponseTemplate::new(500).set_body_string(r#"{"detail": "boom"}"#),
        json("{\"personalColor\": \"SPR"),
        json(r#"{"personalColor": "PURPLE"}"#),
        json("[]"),
        ResponseTemplate::new(200).set_body_bytes(vec![b' '; ANSWER_LIMIT_BYTES + 1]),
    ] {
        let error = answered(response).await.unwrap_err();
        assert!(matches!(error, CallError::Faulty { .. }), "{error:?}");
        assert_eq!(error.into_outcome().code, "ANALYZER_FAILED");
    }
}

#[tokio::test]
async fn an_analyzer_that_hangs_is_given_up_in_time() {
    let begun = Instant::now();
    let slow = json(r#"{"personalColor": "SPRING"}"#).set_delay(Duration::from_secs(5));
    assert!(matches!(answered(slow).await, Err(CallError::TimedOut)));
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn what_an_instance_says_of_itself_is_read_from_any_answer() {
    let server = MockServer::start().await;
    let says = |response: ResponseTemplate, free: &str| {
        let response = response.insert_header("x-slots", "4").insert_header("x-free", free);
        response.insert_header("x-waited-ms", "120").insert_header("x-idle-ms", "2.5")
    };
    Mock::given(method("POST"))
        .respond_with(says(ResponseTemplate::new(422), "3"))
        .mount(&server)
        .await;
    let (waited, idle) = (Duration::from_millis(120), Some(Duration::from_micros(2500)));
    let signals = Some(Signals { slots: 4, free: 3, waited, idle });
    let answer = call_for(&server.uri()).await;
    assert_eq!((answer.signals, answer.ended()), (signals, Ended::Answered(signals)));

    let silent = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(500)).mount(&silent).await;
    let answer = call_for(&silent.uri()).await;
    assert_eq!((answer.signals, answer.ended()), (None, Ended::Failed));
}

#[tokio::test]
async fn an_analyzer_of_an_unknown_authority_is_refused_and_the_reason_told() {
    let server = MockServer::start().await;
    let answer = json(r#"{"personalColor": "SPRING"}"#);
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let (known, stranger) = (Authority::default(), Authority::default());
    let trust = Trust::try_from(PathBuf::from(known.file())).unwrap();

    let terminated = known.before(&server.uri(), "https").await;
    assert!(call_trusting(&trust, &terminated.url).await.result.is_ok());
    let terminated = stranger.before(&server.uri(), "https").await;
    let refused = call_trusting(&trust, &terminated.url).await.result.unwrap_err();
    assert!(matches!(refused, CallError::Unreachable(_)), "{refused:?}");
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
}
