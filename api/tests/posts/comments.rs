//! Comments: threads of one level, counted exactly, told to whom they concern.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_people::comments::erase_deleted;
use toneup_people::counters::check;
use toneup_testing::{Client, Stack, problem_of};

use super::{call, jpeg, make_pictures, patch, publish, write};
use crate::people::{name, relate};

async fn comment(client: &Client, post: &str, text: &str, parent: Option<&str>) -> String {
    let body = json!({ "text": text, "parentId": parent });
    let answer = client.post(&format!("/v1/posts/{post}/comments"), body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn texts(client: &Client, path: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}?limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = page.body["items"].as_array().unwrap();
        found.extend(items.iter().map(|one| one["text"].as_str().unwrap().to_owned()));
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// The kinds of notices of a client, the latest first.
async fn told(client: &Client) -> Vec<String> {
    let page = client.get("/v1/notices").await.body;
    let items = page["items"].as_array().unwrap();
    items.iter().map(|one| one["type"].as_str().unwrap().to_owned()).collect()
}

async fn counters_are_the_rows(db: &MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    for counter in check(&mut conn).await.unwrap() {
        assert_eq!(counter.differences, [], "{}", counter.counter);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn comments_are_written_answered_changed_and_deleted(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob, carol) = (api.guest().await, api.guest().await, api.guest().await);
    let post = &publish(&db, &alice, &["a post"]).await[0];
    let path = format!("/v1/posts/{post}");
    let comments = format!("{path}/comments");
    let first = comment(&bob, post, " 첫 댓글 ", None).await;
    let second = comment(&carol, post, "second", None).await;
    let third = comment(&bob, post, "third", None).await;
    let reply = comment(&alice, post, "a reply", Some(&first)).await;
    assert_eq!(texts(&alice, &comments).await, ["첫 댓글", "second", "third"]);
    let replies = format!("/v1/comments/{first}/replies");
    assert_eq!(texts(&carol, &replies).await, ["a reply"]);
    assert_eq!(alice.get(&path).await.body["comments"], 4);
    let read = carol.get(&format!("/v1/comments/{reply}")).await.body;
    assert_eq!((&read["parentId"], &read["postId"]), (&json!(first), &json!(post)));

    let deeper = json!({ "text": "x", "parentId": reply });
    assert_eq!(problem_of(&bob.post(&comments, deeper).await).2, ["parentId"]);
    for text in ["", &"x".repeat(1001)] {
        assert_eq!(problem_of(&bob.post(&comments, json!({ "text": text })).await).2, ["text"]);
    }
    let changed = patch(&bob, &format!("/v1/comments/{first}"), json!({ "text": "better" })).await;
    assert!(
        changed.body["text"] == "better" && changed.body["editedAt"].is_string(),
        "{changed:?}"
    );
    let foreign = patch(&carol, &format!("/v1/comments/{first}"), json!({ "text": "mine" })).await;
    assert_eq!(problem_of(&foreign).0, 404);
    let delete = async |client: &Client, id: &str| {
        call(client, Method::DELETE, &format!("/v1/comments/{id}")).await.status.as_u16()
    };
    assert_eq!(delete(&carol, &third).await, 404);
    // Its author may delete it, and the author of the post.
    assert_eq!((delete(&bob, &third).await, delete(&alice, &second).await), (204, 204));
    assert_eq!(delete(&bob, &first).await, 204);
    let page = carol.get(&comments).await.body;
    let left = &page["items"].as_array().unwrap()[..];
    assert_eq!(left.len(), 1, "what has replies stays, empty: {page}");
    assert_eq!(
        (&left[0]["text"], &left[0]["author"], &left[0]["isDeleted"]),
        (&json!(""), &json!(null), &json!(true))
    );
    assert_eq!(texts(&carol, &replies).await, ["a reply"]);
    assert_eq!(
        problem_of(&carol.post(&comments, json!({ "text": "x", "parentId": first })).await).2,
        ["parentId"]
    );
    assert_eq!(alice.get(&path).await.body["comments"], 1);
    counters_are_the_rows(&db).await;
    assert_eq!(delete(&alice, &reply).await, 204);
    assert_eq!(texts(&carol, &comments).await, Vec::<String>::new());
    let mut conn = db.acquire().await.unwrap();
    while erase_deleted(&mut conn, 1).await.unwrap() > 0 {}
    let rows: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM comments").fetch_one(&db).await.unwrap();
    assert_eq!(rows, 0);
    counters_are_the_rows(&db).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn comments_are_liked_and_their_people_told(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob, carol) = (api.guest().await, api.guest().await, api.guest().await);
    name(&carol, "봄날").await;
    let post = &publish(&db, &alice, &["a post"]).await[0];
    call(&bob, Method::PUT, &format!("/v1/posts/{post}/like")).await;
    let first = comment(&bob, post, "hello @봄날이에요 and @nobody", None).await;
    comment(&alice, post, "a reply", Some(&first)).await;
    let like = format!("/v1/comments/{first}/like");
    for client in [&alice, &carol, &alice] {
        assert_eq!(call(client, Method::PUT, &like).await.body["liked"], true);
    }
    assert_eq!(
        call(&alice, Method::DELETE, &like).await.body,
        json!({ "liked": false, "likes": 1 })
    );
    let likers = bob.get(&format!("/v1/comments/{first}/likes")).await.body;
    assert_eq!(likers["items"][0]["id"], carol.user());
    assert_eq!(bob.get(&format!("/v1/comments/{first}")).await.body["likes"], 1);
    assert_eq!(told(&alice).await, ["post.commented", "post.liked"]);
    assert_eq!(told(&bob).await, ["comment.liked", "comment.replied"]);
    assert_eq!(told(&carol).await, ["comment.mentioned"]);
    // A post tells of itself once it is shown, and not again after a change.
    let key = alice.upload(jpeg()).await;
    let mentioning = write(&alice, "for @봄날", &key).await;
    assert_eq!(told(&carol).await.len(), 1);
    make_pictures(&db).await;
    assert_eq!(told(&carol).await, ["post.mentioned", "comment.mentioned"]);
    let path = format!("/v1/posts/{}", mentioning["id"].as_str().unwrap());
    patch(&alice, &path, json!({ "pictures": [{ "objectKey": key }] })).await;
    make_pictures(&db).await;
    assert_eq!(told(&carol).await.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn comments_of_people_kept_away_are_not_shown(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob, carol) = (api.guest().await, api.guest().await, api.guest().await);
    let post = &publish(&db, &alice, &["a post"]).await[0];
    let comments = format!("/v1/posts/{post}/comments");
    let bobs = comment(&bob, post, "by bob", None).await;
    comment(&carol, post, "by carol", None).await;
    relate(Method::PUT, &carol, "block", &bob).await;
    relate(Method::PUT, &alice, "mute", &carol).await;
    assert_eq!(texts(&alice, &comments).await, ["by bob"]);
    assert_eq!(texts(&bob, &comments).await, ["by bob"]);
    assert_eq!(texts(&carol, &comments).await, ["by carol"]);
    let path = format!("/v1/comments/{bobs}");
    assert_eq!(problem_of(&carol.get(&path).await).0, 404);
    assert_eq!(problem_of(&call(&carol, Method::PUT, &format!("{path}/like")).await).0, 404);
    relate(Method::PUT, &alice, "block", &bob).await;
    let refused = bob.post(&comments, json!({ "text": "again" })).await;
    assert_eq!(problem_of(&refused).0, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_repeated_comment_is_written_once(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    let post = &publish(&db, &alice, &["a post"]).await[0];
    let send = async |text: &str| {
        let request = alice.request(Method::POST, &format!("/v1/posts/{post}/comments"));
        alice.send(request.header("idempotency-key", "k").json(&json!({ "text": text }))).await
    };
    let first = send("once").await;
    assert_eq!(send("once").await.body["id"], first.body["id"]);
    assert_eq!(problem_of(&send("twice").await).1, "idempotency_key_reused");
    assert_eq!(alice.get(&format!("/v1/posts/{post}")).await.body["comments"], 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_reported_waits_for_an_operator(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let api = stack.api().await;
    let (alice, bob, carol) = (api.guest().await, api.guest().await, api.guest().await);
    let post = &publish(&db, &alice, &["a bad post"]).await[0];
    let report = |kind: &str, id: &str| json!({ "kind": kind, "id": id, "reason": "spam", "description": "it sells" });
    let first = bob.post("/v1/reports", report("post", post)).await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = bob.post("/v1/reports", report("post", post)).await;
    assert_eq!(again.body["id"], first.body["id"], "a thing is reported once");
    let number = bob.get(&format!("/v1/posts/{post}")).await.body["number"].clone();
    let app = json!({ "reason": "기타", "description": null });
    let app = carol.post(&format!("/api/v1/feeds/{number}/report"), app).await;
    assert_eq!((app.status.as_u16(), &app.body["data"]), (200, &json!({})));
    assert_eq!(bob.post("/v1/reports", report("user", alice.user())).await.status, 201);
    let nothing = uuid::Uuid::now_v7().to_string();
    assert_eq!(problem_of(&bob.post("/v1/reports", report("comment", &nothing)).await).0, 404);
    assert_eq!(problem_of(&bob.post("/v1/reports", report("user", bob.user())).await).2, ["id"]);

    let operator = crate::admin::operator(&stack, &api, "dana");
    let queue = operator.get("/admin/reports").await.body;
    let items = queue["items"].as_array().unwrap();
    let of = |item: &Value| (item["kind"].clone(), item["reason"].clone(), item["text"].clone());
    assert_eq!(of(&items[0]), (json!("post"), json!("spam"), json!("a bad post")));
    assert_eq!(
        (of(&items[1]), &items[1]["description"]),
        ((json!("post"), json!("other"), json!("a bad post")), &json!("기타"))
    );
    assert_eq!(of(&items[2]), (json!("user"), json!("spam"), json!(null)));
    assert_eq!(problem_of(&bob.get("/admin/reports").await).0, 403);
    let close = async |item: &Value, outcome: &str| {
        let path = format!("/admin/reports/{}/close", item["id"].as_str().unwrap());
        operator.post(&path, json!({ "outcome": outcome })).await
    };
    assert_eq!(problem_of(&close(&items[2], "removed").await).2, ["outcome"]);
    assert_eq!(close(&items[2], "dismissed").await.body, json!({ "closed": 1 }));
    assert_eq!(close(&items[0], "removed").await.body, json!({ "closed": 2 }));
    assert_eq!(problem_of(&close(&items[1], "removed").await).0, 404);
    assert_eq!(problem_of(&alice.get(&format!("/v1/posts/{post}")).await).0, 404);
    assert_eq!(operator.get("/admin/reports").await.body["items"], json!([]));
    let closed = operator.get("/admin/reports?closed=true").await.body;
    assert_eq!(closed["items"][0]["outcome"], "removed");
    let log = operator.get("/admin/actions").await.body;
    assert_eq!(log["items"][0]["action"], "close_report");
}
