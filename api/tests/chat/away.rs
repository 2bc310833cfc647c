//! Those who are away are told of messages, once for a room until they read it.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack, eventually};

use super::{call, direct, group, say};

async fn unread_notices(client: &Client) -> Vec<Value> {
    let items = client.get("/v1/notices").await.body["items"].as_array().unwrap().clone();
    items.into_iter().filter(|notice| notice["read"] == false).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_is_away_is_told_once_for_a_room_until_it_is_read(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob, carol) = (api.guest().await, api.guest().await, api.guest().await);
    let (pair, muted) = (direct(&alice, &bob).await, group(&alice, &[&bob, &carol]).await);
    call(&bob, Method::PATCH, &muted, json!({ "muted": true })).await;
    say(&alice, &muted, "to all").await;
    for text in ["1", "2"] {
        say(&alice, &pair, text).await;
    }
    let notice = eventually("bob is told", async || unread_notices(&bob).await.pop()).await;
    let room = pair.rsplit('/').next().unwrap();
    let fields = [&notice["type"], &notice["subjectId"], &notice["actor"]["id"], &notice["times"]];
    assert_eq!(fields, [&json!("chat.message"), &json!(room), &json!(alice.user()), &json!(2)]);
    eventually("carol is told", async || unread_notices(&carol).await.pop()).await;
    assert_eq!(unread_notices(&bob).await.len(), 1, "not of the room that is muted");
    assert_eq!(unread_notices(&alice).await, Vec::<Value>::new(), "nor of one's own");
    call(&bob, Method::PUT, &format!("{pair}/read"), json!({})).await;
    assert_eq!(unread_notices(&bob).await, Vec::<Value>::new(), "read is read");
}
