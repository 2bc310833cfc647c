//! People: nicknames, profiles, who follows, blocks and mutes whom.

mod creation;
mod profiles;
mod relations;

use reqwest::Method;
use serde_json::{Value, json};
use toneup_testing::{Answer, Client};

/// The client's own profile.
pub(crate) async fn me(client: &Client) -> Value {
    let answer = client.get("/v1/me").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Changes the client's profile.
pub(crate) async fn change(client: &Client, change: Value) -> Answer {
    client.send(client.request(Method::PATCH, "/v1/me").json(&change)).await
}

/// Gives the client a nickname.
pub(crate) async fn name(client: &Client, nickname: &str) {
    let answer = change(client, json!({ "nickname": nickname })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Sets or removes (PUT, DELETE) what is between the client and another: `follow`, `block` or `mute`.
pub(crate) async fn relate(method: Method, client: &Client, what: &str, other: &Client) -> Answer {
    let path = format!("/v1/users/{}/{what}", other.user());
    client.send(client.request(method, &path)).await
}
