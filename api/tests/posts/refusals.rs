//! What is refused, each with its status, code and field, and nothing half-written; and how often one person may act.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack, problem_of};

use super::{call, jpeg, publish};
use crate::people::relate;

/// Number of rows that posting, commenting and liking write.
async fn rows(db: &MySqlPool) -> i64 {
    let count = "SELECT (SELECT COUNT(*) FROM posts) + (SELECT COUNT(*) FROM post_pictures)
        + (SELECT COUNT(*) FROM pictures) + (SELECT COUNT(*) FROM comments)
        + (SELECT COUNT(*) FROM likes) + (SELECT COUNT(*) FROM jobs)
        + (SELECT COUNT(*) FROM reports) + (SELECT COUNT(*) FROM request_keys)";
    sqlx::query_scalar(count).fetch_one(db).await.unwrap()
}

/// A request, and the status, code and field with which it is refused.
type Case<'a> = (&'a Client, Method, String, Value, (u16, &'static str, &'static str));

const NOT_FOUND: (u16, &str, &str) = (404, "not_found", "");

fn invalid(field: &'static str) -> (u16, &'static str, &'static str) {
    (422, "validation_failed", field)
}

/// What is deleted, or whose author blocks, or is somebody else's.
fn not_there<'a>([alice, bob, carol]: [&'a Client; 3], kept: &str, gone: &str) -> Vec<Case<'a>> {
    let text = json!({ "text": "x" });
    let of = |post: &str, what: &str| format!("{post}/{what}");
    vec![
        (bob, Method::POST, of(gone, "comments"), text.clone(), NOT_FOUND),
        (carol, Method::POST, of(kept, "comments"), text.clone(), NOT_FOUND),
        (bob, Method::PUT, of(gone, "like"), json!({}), NOT_FOUND),
        (carol, Method::PUT, of(kept, "like"), json!({}), NOT_FOUND),
        (carol, Method::GET, kept.to_owned(), json!({}), NOT_FOUND),
        (bob, Method::PATCH, kept.to_owned(), text.clone(), NOT_FOUND),
        (bob, Method::DELETE, kept.to_owned(), json!({}), NOT_FOUND),
        (alice, Method::PATCH, gone.to_owned(), text, NOT_FOUND),
    ]
}

/// Changes keep the rules of posts.
fn changes<'a>(alice: &'a Client, kept: &str, foreign: &Value) -> Vec<Case<'a>> {
    let change = |body, field| (alice, Method::PATCH, kept.to_owned(), body, invalid(field));
    vec![
        change(json!({ "text": " " }), "text"),
        change(json!({ "text": "봄".repeat(1001) }), "text"),
        change(json!({ "pictures": [] }), "pictures"),
        change(json!({ "pictures": foreign }), "pictures[0].id"),
    ]
}

fn comments_and_pages<'a>(bob: &'a Client, kept: &str, cursor: &str) -> Vec<Case<'a>> {
    let comment =
        |body, field| (bob, Method::POST, format!("{kept}/comments"), body, invalid(field));
    let page =
        |query: String, refusal| (bob, Method::GET, format!("/v1/feed{query}"), json!({}), refusal);
    vec![
        comment(json!({ "text": "" }), "text"),
        comment(json!({ "text": "x", "parentId": uuid::Uuid::now_v7() }), "parentId"),
        page("?limit=0".to_owned(), invalid("limit")),
        page("?limit=1000000000".to_owned(), invalid("limit")),
        page(format!("?cursor={cursor}"), invalid("cursor")),
        page("/ranking?cursor=ranking-1-0".to_owned(), (410, "cursor_expired", "")),
    ]
}

#[sqlx::test(migrations = "../migrations")]
async fn each_refusal_has_its_status_code_and_field_and_writes_nothing(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let guests = join_all((0..3).map(|_| api.guest())).await;
    let [alice, bob, carol] = &guests[..] else { panic!("three guests") };
    let ids = publish(&db, alice, &["kept", "deleted"]).await;
    let (kept, gone) = (format!("/v1/posts/{}", ids[0]), format!("/v1/posts/{}", ids[1]));
    assert_eq!(call(alice, Method::DELETE, &gone).await.status, 204);
    relate(Method::PUT, alice, "block", carol).await;
    let others = publish(&db, bob, &["another"]).await;
    let others = bob.get(&format!("/v1/posts/{}", others[0])).await.body;
    let foreign = json!([{ "id": others["pictures"][0]["id"] }]);
    let newest = bob.get("/v1/feed/newest?limit=1").await.body;
    let cursor = newest["nextCursor"].as_str().unwrap();
    let people = [alice, bob, carol];
    let table = [
        not_there(people, &kept, &gone),
        changes(alice, &kept, &foreign),
        comments_and_pages(bob, &kept, cursor),
    ]
    .concat();
    let before = rows(&db).await;
    for (client, method, path, body, (status, code, field)) in table {
        let mut request = client.request(method.clone(), &path);
        if method != Method::GET {
            request = request.header("idempotency-key", "refused").json(&body);
        }
        let refused = problem_of(&client.send(request).await);
        let fields: Vec<String> = if field.is_empty() { vec![] } else { vec![field.into()] };
        assert_eq!(refused, (status, code.to_owned(), fields), "{method} {path} {body}");
    }
    assert_eq!(rows(&db).await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_one_person_does_is_counted_by_all_replicas_together(db: MySqlPool) {
    const COMMENTS: usize = 30;
    let stack = Stack::new(db.clone()).await;
    let replicas = [stack.api().await, stack.api().await];
    let (alice, bob) = (replicas[0].guest().await, replicas[0].guest().await);
    let post = &publish(&db, &alice, &["one"]).await[0];
    let post = format!("/v1/posts/{post}");
    let key = bob.upload(jpeg()).await;
    let posted = bob.post("/v1/posts", json!({ "text": "x", "pictures": [{ "objectKey": key }] }));
    let posted = posted.await;
    let liked = call(&bob, Method::PUT, &format!("{post}/like")).await;
    let followed = relate(Method::PUT, &bob, "follow", &alice).await;
    for (answer, policy) in [(posted, "posts"), (liked, "likes"), (followed, "follows")] {
        let policies = answer.header("ratelimit-policy");
        assert!(policies.contains(&format!("\"{policy}\"")), "{policy}: {answer:?}");
    }
    let mut elsewhere = replicas[1].anonymous();
    elsewhere.session = bob.session.clone();
    let comments = format!("{post}/comments");
    let mut granted = 0;
    let refused = loop {
        let client = if usize::is_multiple_of(granted, 2) { &bob } else { &elsewhere };
        let answer = client.post(&comments, json!({ "text": "again" })).await;
        if answer.status != 201 {
            break answer;
        }
        granted += 1;
        assert!(granted < COMMENTS * 2, "no end of it");
    };
    assert_eq!(problem_of(&refused), (429, "rate_limited".to_owned(), vec![]));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    // Some come back while the test runs.
    assert!((COMMENTS..COMMENTS + 10).contains(&granted), "{granted}");
}
