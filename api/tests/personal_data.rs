//! Taking one's data along, and having it deleted.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::JobId;
use toneup_people::erasures::{EXEMPT, erasures};
use toneup_platform::erasure::Erasure;
use toneup_platform::identity::UserId;
use toneup_platform::objects::ObjectError;
use toneup_testing::{Client, Stack, end_analyses, eventually, make_pictures, problem_of, season};

use crate::people::{me, name, relate};

/// Columns that name a user, in all tables.
async fn columns(db: &MySqlPool) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT table_name, column_name FROM information_schema.columns
         WHERE table_schema = DATABASE() AND data_type = 'binary'
           AND (column_name IN ('user_id', 'guest_id', 'follower_id', 'followed_id', 'scope', 'subject_id',
                                   'owner_id', 'sender_id', 'peer_id', 'low_user', 'high_user',
                                   'author_id', 'actor_id')
                OR (table_name = 'users' AND column_name = 'id'))",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn every_table_that_names_users_is_erased(db: MySqlPool) {
    let named: BTreeSet<String> = columns(&db).await.into_iter().map(|(table, _)| table).collect();
    assert!(named.len() > 10, "{named:?}");
    let erased: BTreeSet<&str> = erasures().iter().flat_map(Erasure::tables).copied().collect();
    let exempt: BTreeSet<&str> = EXEMPT.iter().map(|(table, _)| *table).collect();
    let forgotten: Vec<&String> = named
        .iter()
        .filter(|table| !erased.contains(table.as_str()) && !exempt.contains(table.as_str()))
        .collect();
    assert!(forgotten.is_empty(), "name them in shared/people/src/erasures.rs: {forgotten:?}");
}

/// A user of whom there is something in every table.
async fn settle(stack: &Stack, client: &Client, others: &[Client]) -> String {
    let key = client.upload(b"not a photo".to_vec()).await;
    for _ in 0..3 {
        client.submit(&key).await;
    }
    let ids: Vec<JobId> = client.get("/v1/analyses").await.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| JobId(one["id"].as_str().unwrap().parse().unwrap()))
        .collect();
    let user = UserId(client.user().parse().unwrap());
    // One of them stays unfinished.
    let webhook = json!({ "url": "https://hooks.example/me", "description": "mine" });
    assert_eq!(client.post("/v1/webhooks", webhook).await.status, 201);
    end_analyses(&stack.pool, user, &ids[..2], &season(PersonalColor::Spring)).await;
    for other in others {
        relate(Method::PUT, client, "follow", other).await;
        relate(Method::PUT, other, "follow", client).await;
        relate(Method::PUT, client, "mute", other).await;
    }
    relate(Method::PUT, &others[0], "block", client).await;
    let picture = json!({ "objectKey": key });
    let request = client.request(Method::PUT, "/v1/me/picture").json(&picture);
    assert_eq!(client.send(request).await.status, 202);
    client.post("/v1/stream-tickets", json!({})).await;
    let pictures = json!([{ "objectKey": key }]);
    for (path, body) in [
        ("/v1/posts", json!({ "text": "kept", "pictures": pictures })),
        ("/v1/diary", json!({ "title": "kept", "text": "kept", "pictures": pictures })),
    ] {
        let request = client.request(Method::POST, path).header("idempotency-key", "kept");
        let answer = client.send(request.json(&body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    make_pictures(&stack.pool).await;
    let newest = client.get("/v1/me/posts").await.body["items"][0]["id"].clone();
    let path = format!("/v1/posts/{}/comments", newest.as_str().unwrap());
    let comment =
        json!({ "text": format!("kept @{}", me(client).await["nickname"].as_str().unwrap()) });
    for author in [client, &others[1]] {
        assert_eq!(author.post(&path, comment.clone()).await.status, 201);
    }
    let report = json!({ "kind": "user", "id": others[1].user(), "reason": "spam" });
    assert_eq!(client.post("/v1/reports", report).await.status, 201);
    for liker in others.iter().chain([client]) {
        let path = format!("/v1/posts/{}/like", newest.as_str().unwrap());
        liker.send(liker.request(Method::PUT, &path)).await;
    }
    converse(client, others).await;
    sqlx::query(
        "INSERT INTO photo_answers SELECT user_id, RPAD('x', 32, 'x'), id FROM jobs LIMIT 1",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    key
}

/// Has the user talk with another, in a group and directly.
async fn converse(client: &Client, others: &[Client]) {
    let group = json!({ "name": "봄", "memberIds": [others[1].user()] });
    let direct = json!({ "userId": others[1].user() });
    for room in [group, direct] {
        let room = client.post("/v1/rooms", room).await;
        assert_eq!(room.status, 201, "{room:?}");
        let messages = format!("/v1/rooms/{}/messages", room.body["id"].as_str().unwrap());
        // The user writes last, and so has read everything.
        for (who, text) in [(&others[1], "hi"), (client, "hello")] {
            assert_eq!(who.post(&messages, json!({ "text": text })).await.status, 201);
        }
        for (who, seq, reason) in [(&others[1], 2, "spam"), (client, 1, "abuse")] {
            let report = format!("{messages}/{seq}/report");
            assert_eq!(who.post(&report, json!({ "reason": reason })).await.status, 204);
        }
    }
}

/// Rows of a user in tables that name users.
async fn remains(db: &MySqlPool, user: &str) -> Vec<(String, i64)> {
    let id = user.parse::<uuid::Uuid>().unwrap();
    let mut found = Vec::new();
    for (table, column) in columns(db).await {
        let query = format!("SELECT COUNT(*) FROM {table} WHERE {column} = ?");
        let count: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(id).fetch_one(db).await.unwrap();
        if count > 0 {
            found.push((format!("{table}.{column}"), count));
        }
    }
    found.sort();
    found
}

async fn total(db: &MySqlPool, table: &str) -> i64 {
    let query = format!("SELECT COUNT(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(db).await.unwrap()
}

/// Tables in which nothing is left when a user is erased who has everything there alone.
const EMPTY: &[&str] = &[
    "push_deliveries",
    "push_attempts",
    "held_jobs",
    "pictures",
    "notices",
    "notice_actors",
    "posts",
    "post_pictures",
    "likes",
    "content_counters",
    "comments",
    "mentions",
    "reports",
];

#[sqlx::test(migrations = "../migrations")]
async fn a_guest_who_asks_for_it_is_erased_and_told_when_it_is_done(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let api = stack.api().await;
    let guests = join_all((0..4).map(|_| api.guest())).await;
    let (alice, others) = guests.split_first().unwrap();
    name(alice, "leaving").await;
    let key = settle(&stack, alice, others).await;
    assert!(remains(&db, alice.user()).await.len() >= 10);
    let refresh = json!({ "refreshToken": alice.session["refreshToken"] });

    let asked = alice.send(alice.request(Method::DELETE, "/v1/me")).await;
    assert_eq!((asked.status.as_u16(), &asked.body["status"]), (202, &json!("pending")));
    assert_eq!(asked.header("location"), "/v1/me/deletion");
    let again = alice.send(alice.request(Method::DELETE, "/v1/me")).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["requestedAt"]),
        (202, &asked.body["requestedAt"])
    );
    // Gone for everybody at once.
    let path = format!("/v1/users/{}", alice.user());
    assert_eq!(problem_of(&others[1].get(&path).await).0, 404);
    assert_eq!(problem_of(&alice.get("/v1/me").await).0, 404);
    assert_eq!(problem_of(&alice.post("/v1/sessions/refresh", refresh).await).0, 401);
    assert_eq!(problem_of(&relate(Method::PUT, &others[2], "follow", alice).await).0, 404);

    let _worker = stack.worker();
    let done = eventually("the deletion", async || {
        let state = alice.get("/v1/me/deletion").await.body;
        (state["status"] == "done").then_some(state)
    })
    .await;
    assert!(done["finishedAt"].is_string());
    // The job itself, and the second pass: an id, and nothing about whom it was.
    let rest = remains(&db, alice.user()).await;
    assert_eq!(rest, [("jobs.user_id".to_owned(), 2), ("stream_tickets.user_id".to_owned(), 1)]);
    let names = "SELECT COUNT(*) FROM job_outcomes o LEFT JOIN jobs j ON j.id = o.job_id WHERE j.id IS NULL";
    let orphans: i64 = sqlx::query_scalar(names).fetch_one(&db).await.unwrap();
    assert_eq!(orphans, 0);
    for table in EMPTY {
        assert_eq!(total(&db, table).await, 0, "{table}");
    }
    assert!(matches!(stack.objects().get(&key, 100).await, Err(ObjectError::Missing)));
    // The others keep the conversation, with places where the messages were.
    let rooms = others[1].get("/v1/rooms").await.body;
    for room in rooms["items"].as_array().unwrap() {
        let messages = format!("/v1/rooms/{}/messages", room["id"].as_str().unwrap());
        let log = others[1].get(&messages).await.body;
        let gone = &log["items"][1];
        assert_eq!((&gone["sender"], &gone["text"]), (&json!(null), &json!(null)));
        assert_eq!(log["items"][0]["text"], "hi");
    }
    for other in others {
        let own = me(other).await;
        assert_eq!((&own["followers"], &own["following"]), (&json!(0), &json!(0)));
    }
    name(&others[0], "leaving").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_kept_can_be_taken_along(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let guests = join_all((0..3).map(|_| api.guest())).await;
    let (alice, others) = guests.split_first().unwrap();
    name(alice, "exporting").await;
    settle(&stack, alice, others).await;
    let answer = alice.get("/v1/me/export").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert!(answer.header("content-disposition").starts_with("attachment"));
    let document: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(
        (&document["userId"], &document["profile"][0]["nickname"]),
        (&json!(alice.user()), &json!("exporting"))
    );
    let lengths = [
        "analyses",
        "following",
        "mutes",
        "blocks",
        "notificationTargets",
        "events",
        "pictures",
        "sessions",
        "posts",
        "diary",
        "likes",
        "comments",
        "reports",
        "rooms",
        "messages",
    ]
    .map(|list| document[list].as_array().unwrap().len());
    // Two of the events are of followers. Whoever blocks the caller does not exist, here neither.
    assert_eq!(lengths, [3, 1, 1, 0, 1, 4, 3, 1, 1, 1, 1, 1, 3, 2, 2], "{document:#}");
    assert_eq!(document["analyses"][1]["result"]["personalColor"], "SPRING");
    let bobs = others[1].get("/v1/me/export").await;
    assert!(!bobs.text.contains("hooks.example"), "nothing of anybody else's");
    assert_eq!(problem_of(&api.anonymous().get("/v1/me/export").await).0, 401);
}
