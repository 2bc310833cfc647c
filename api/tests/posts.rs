//! Posts and the diary: written once, shown when their pictures are ready, and gone when they are deleted.

mod comments;
mod deletion;
mod feeds;
mod likes;
mod paging;
mod pictures;
mod refusals;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Answer, Client, Stack, problem_of};

/// A JPEG of 640 × 640 pixels.
pub(crate) fn jpeg() -> Vec<u8> {
    let path = toneup_testing::repository().join("api/src/features/pictures/default.jpg");
    std::fs::read(path).unwrap()
}

/// Writes a post about an upload.
pub(crate) async fn write(client: &Client, text: &str, key: &str) -> Value {
    let body = json!({ "text": text, "pictures": [{ "objectKey": key }] });
    let answer = client.post("/v1/posts", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body
}

/// Has the pictures of all posts made, as the worker would, and so the posts shown.
pub(crate) async fn make_pictures(db: &MySqlPool) {
    toneup_testing::make_pictures(db).await;
}

/// Writes posts that are shown, from the first to the last; returns their ids.
pub(crate) async fn publish(db: &MySqlPool, client: &Client, texts: &[&str]) -> Vec<String> {
    let key = client.upload(jpeg()).await;
    let mut ids = Vec::new();
    for text in texts {
        ids.push(write(client, text, &key).await["id"].as_str().unwrap().to_owned());
    }
    make_pictures(db).await;
    ids
}

/// Sends a request without a body.
pub(crate) async fn call(client: &Client, method: Method, path: &str) -> Answer {
    client.send(client.request(method, path)).await
}

async fn patch(client: &Client, path: &str, body: Value) -> Answer {
    client.send(client.request(Method::PATCH, path).json(&body)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_post_is_its_authors_until_its_pictures_are_ready(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let key = alice.upload(jpeg()).await;
    let body = json!({ "text": " 봄 코디\nspring ", "pictures": [
        { "objectKey": key, "alt": "a yellow coat" }, { "objectKey": key } ] });
    let answer = alice.post("/v1/posts", body).await;
    let post = &answer.body;
    let path = format!("/v1/posts/{}", post["id"].as_str().unwrap());
    assert_eq!((answer.status.as_u16(), answer.header("location")), (201, path.as_str()));
    assert_eq!((&post["state"], &post["text"]), (&json!("processing"), &json!("봄 코디\nspring")));
    assert_eq!(post["pictures"][0]["state"], "pending");
    assert_eq!(post["author"]["id"], alice.user());
    assert_eq!(problem_of(&bob.get(&path).await).0, 404);
    let own = alice.get("/v1/me/posts").await.body;
    assert_eq!(own["items"][0]["id"], post["id"]);
    assert_eq!(bob.get("/v1/feed/newest").await.body["items"], json!([]));

    make_pictures(&db).await;
    let seen = bob.get(&path).await.body;
    assert_eq!(
        (&seen["state"], &seen["likes"], &seen["isLiked"]),
        (&json!("ready"), &json!(0), &json!(false))
    );
    assert_eq!(seen["pictures"][0]["alt"], "a yellow coat");
    assert!(seen["pictures"][1]["picture"]["large"].as_str().unwrap().ends_with("/large.jpg"));
    assert!(seen["createdAt"].as_str().unwrap().ends_with('Z') && seen["editedAt"].is_null());
    assert_eq!(bob.get("/v1/feed/newest").await.body["items"][0]["id"], post["id"]);
    let users = bob.get(&format!("/v1/users/{}/posts", alice.user())).await;
    assert_eq!(users.body["items"][0]["id"], post["id"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_breaks_a_rule_names_its_field_and_writes_nothing(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let (own, foreign) = (alice.upload(jpeg()).await, bob.upload(jpeg()).await);
    let picture = |key: &str| json!({ "objectKey": key });
    let many: Vec<Value> = (0..6).map(|_| picture(&own)).collect();
    for (body, field) in [
        (json!({ "pictures": [picture(&own)] }), "text"),
        (json!({ "text": " \n", "pictures": [picture(&own)] }), "text"),
        (json!({ "text": "봄".repeat(1001), "pictures": [picture(&own)] }), "text"),
        (json!({ "text": "x", "pictures": [] }), "pictures"),
        (json!({ "text": "x", "pictures": many }), "pictures"),
        (json!({ "text": "x", "pictures": [picture(&foreign)] }), "pictures[0].objectKey"),
        (
            json!({ "text": "x", "pictures": [picture(&own), picture(&alice.unused_key())] }),
            "pictures[1].objectKey",
        ),
        (json!({ "text": "x", "title": "x", "pictures": [picture(&own)] }), "title"),
    ] {
        let refused = problem_of(&alice.post("/v1/posts", body.clone()).await);
        assert_eq!((refused.0, refused.2), (422, vec![field.to_owned()]), "{body}");
    }
    for (title, field) in [("", "title"), (&"x".repeat(101), "title")] {
        let body = json!({ "title": title, "text": "x", "pictures": [picture(&own)] });
        assert_eq!(problem_of(&alice.post("/v1/diary", body).await).2, [field]);
    }
    let rows = "SELECT (SELECT COUNT(*) FROM posts) + (SELECT COUNT(*) FROM pictures)";
    let rows: i64 = sqlx::query_scalar(rows).fetch_one(&db).await.unwrap();
    assert_eq!(rows, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_repeated_request_posts_once(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    let key = alice.upload(jpeg()).await;
    let send = |path: &'static str, body: Value| {
        let request = alice.request(Method::POST, path).header("idempotency-key", "once");
        let alice = alice.clone();
        async move { alice.send(request.json(&body)).await }
    };
    let body = json!({ "text": "once", "pictures": [{ "objectKey": key }] });
    let answers =
        futures_util::future::join_all((0..8).map(|_| send("/v1/posts", body.clone()))).await;
    let first = &answers[0];
    for answer in &answers {
        assert_eq!(
            (answer.status.as_u16(), &answer.body["id"]),
            (201, &first.body["id"]),
            "{answer:?}"
        );
    }
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM posts").fetch_one(&db).await.unwrap();
    assert_eq!(count, 1);
    let other = json!({ "text": "twice", "pictures": [{ "objectKey": key }] });
    let reused = send("/v1/posts", other).await;
    assert_eq!(problem_of(&reused), (422, "idempotency_key_reused".to_owned(), vec![]));
    let entry = json!({ "title": "x", "text": "once", "pictures": [{ "objectKey": key }] });
    assert_eq!(send("/v1/diary", entry).await.status, 201, "a call has its own keys");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_diary_is_read_by_its_author_alone(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let key = alice.upload(jpeg()).await;
    let body = json!({ "title": "오늘", "text": "a coat", "pictures": [{ "objectKey": key }] });
    let entry = alice.post("/v1/diary", body).await;
    assert_eq!(entry.status, 201, "{entry:?}");
    make_pictures(&db).await;
    let path = format!("/v1/diary/{}", entry.body["id"].as_str().unwrap());
    let read = alice.get(&path).await.body;
    assert_eq!((&read["state"], &read["title"]), (&json!("ready"), &json!("오늘")));
    assert_eq!(alice.get("/v1/diary").await.body["items"], json!([read]));
    let as_post = path.replace("diary", "posts");
    for answer in [
        bob.get(&path).await,
        bob.get(&as_post).await,
        alice.get(&as_post).await,
        patch(&bob, &path, json!({ "title": "mine" })).await,
        call(&bob, Method::DELETE, &path).await,
        call(&alice, Method::PUT, &format!("{as_post}/like")).await,
    ] {
        assert_eq!(problem_of(&answer).0, 404, "{answer:?}");
    }
    for feed in ["/v1/feed/newest", "/v1/me/posts"] {
        assert_eq!(alice.get(feed).await.body["items"], json!([]), "{feed}");
    }
    let profile = alice.get("/api/profiles/me").await.body;
    assert_eq!(
        (&profile["data"]["feedCount"], &profile["data"]["diaryCount"]),
        (&json!(0), &json!(1))
    );
    let changed = patch(&alice, &path, json!({ "title": "어제" })).await;
    assert_eq!((changed.status.as_u16(), &changed.body["title"]), (200, &json!("어제")));
    assert!(changed.body["editedAt"].is_string(), "{changed:?}");
    assert_eq!(call(&alice, Method::DELETE, &path).await.status, 204);
    assert_eq!(problem_of(&alice.get(&path).await).0, 404);
}
