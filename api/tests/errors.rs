//! Whatever goes wrong, the answer is a problem with a stable code.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::json;
use sqlx::MySqlPool;
use toneup_api::app::problems;
use toneup_testing::{Stack, problem_of, repository};

#[test]
fn the_documentation_lists_every_code_with_its_status_and_no_other() {
    let text = std::fs::read_to_string(repository().join("docs/API.md")).unwrap();
    let (_, section) = text.split_once("\n## Errors of requests\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut documented: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for row in section.lines().skip_while(|line| !line.starts_with("|---")).skip(1) {
        if !row.starts_with("| `") {
            continue;
        }
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let statuses = cells[2].split(" or ").map(|status| status.parse().unwrap()).collect();
        let before = documented.insert(cells[1].trim_matches('`'), statuses);
        assert!(before.is_none(), "listed twice: {row}");
    }
    let mut raised: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for kind in problems() {
        raised.entry(kind.code).or_default().insert(kind.status.as_u16());
    }
    assert_eq!(documented, raised);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_does_not_exist_is_a_problem(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    for path in ["/nothing", "/v1/nothing", "/assets/nothing.js", "/v1/analyses/not-an-id"] {
        assert_eq!(problem_of(&guest.get(path).await), (404, "not_found".to_owned(), vec![]));
    }
    let wrong = guest.send(guest.request(Method::DELETE, "/v1/analyses")).await;
    assert_eq!(problem_of(&wrong).1, "method_not_allowed");
    assert!(wrong.header("allow").contains("POST"), "{wrong:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_token_that_counts_nothing_opens(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let anonymous = api.anonymous();
    let id = uuid::Uuid::now_v7();
    for path in ["/v1/analyses".to_owned(), format!("/v1/analyses/{id}"), "/v1/events".to_owned()] {
        let answer = anonymous.get(&path).await;
        assert_eq!(problem_of(&answer).1, "unauthenticated", "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    for path in ["/v1/analyses", "/v1/uploads"] {
        assert_eq!(problem_of(&anonymous.post(path, json!({})).await).1, "unauthenticated");
    }
    for token in ["Bearer", "Bearer nonsense", "Basic abc", "nonsense"] {
        let request = anonymous.request(Method::GET, "/v1/analyses").header("authorization", token);
        assert_eq!(problem_of(&anonymous.send(request).await).0, 401, "{token}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_that_cannot_be_read_says_why(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = guest.request(Method::POST, "/v1/uploads");
        guest.send(request.header("content-type", content_type).body(body)).await
    };
    let malformed = send("application/json", b"{\"contentType\":".to_vec()).await;
    assert_eq!(problem_of(&malformed), (400, "malformed".to_owned(), vec![]));
    let text = send("text/plain", b"hello".to_vec()).await;
    assert_eq!(problem_of(&text), (415, "unsupported_media_type".to_owned(), vec![]));
    let large = send("application/json", vec![b' '; 65 * 1024]).await;
    assert_eq!(problem_of(&large), (413, "too_large".to_owned(), vec![]));
    let large = guest.request(Method::POST, "/v1/analyses");
    let large = large.header("content-type", "application/json").body(vec![b' '; 70 * 1024]);
    assert_eq!(problem_of(&guest.send(large).await).1, "too_large");
    let form = send("multipart/form-data", b"no boundary".to_vec()).await;
    assert_eq!(problem_of(&form).0, 415);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_problem_names_the_trace_the_client_began(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let anonymous = api.anonymous();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = anonymous
        .request(Method::GET, "/nothing")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    assert_eq!(anonymous.send(request).await.body["traceId"], trace);
}
