//! Conversations: rooms, messages, what was read, and Socket.IO.

mod away;
mod messages;
mod pictures;
mod rooms;
mod sockets;

use reqwest::Method;
use serde_json::{Value, json};
use toneup_testing::{Answer, Client};

/// Opens a direct room; returns its path.
pub(crate) async fn direct(client: &Client, other: &Client) -> String {
    let answer = client.post("/v1/rooms", json!({ "userId": other.user() })).await;
    assert!(answer.status.is_success(), "{answer:?}");
    format!("/v1/rooms/{}", answer.body["id"].as_str().unwrap())
}

/// Opens a group; returns its path.
pub(crate) async fn group(client: &Client, others: &[&Client]) -> String {
    let ids: Vec<&str> = others.iter().map(|other| other.user()).collect();
    let answer = client.post("/v1/rooms", json!({ "name": "봄 친구들", "memberIds": ids })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("/v1/rooms/{}", answer.body["id"].as_str().unwrap())
}

/// Sends a text.
pub(crate) async fn say(client: &Client, room: &str, text: &str) -> Answer {
    client.post(&format!("{room}/messages"), json!({ "text": text })).await
}

/// The numbers and texts of a page of a room's log.
pub(crate) async fn log(client: &Client, room: &str, query: &str) -> Vec<(u64, String)> {
    let page = client.get(&format!("{room}/messages{query}")).await;
    assert_eq!(page.status, 200, "{page:?}");
    let entry = |entry: &Value| {
        let text = entry["text"].as_str().unwrap_or(entry["kind"].as_str().unwrap());
        (entry["seq"].as_u64().unwrap(), text.to_owned())
    };
    page.body["items"].as_array().unwrap().iter().map(entry).collect()
}

/// The client's unread messages in a room.
pub(crate) async fn unread(client: &Client, room: &str) -> u64 {
    client.get(room).await.body["unread"].as_u64().unwrap()
}

/// Sends a request without a body, or with one.
pub(crate) async fn call(client: &Client, method: Method, path: &str, body: Value) -> Answer {
    let request = client.request(method, path);
    let request = if body.is_null() { request } else { request.json(&body) };
    client.send(request).await
}
