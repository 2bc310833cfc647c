//! Profile pictures, from the upload to an address that stays.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Answer, Client, Stack, eventually, problem_of, repository};

use crate::people::me;

/// A JPEG of 640 × 640 pixels.
fn jpeg() -> Vec<u8> {
    std::fs::read(repository().join("api/src/features/pictures/default.jpg")).unwrap()
}

async fn set(client: &Client, object_key: &str) -> Answer {
    let body = json!({ "objectKey": object_key });
    client.send(client.request(Method::PUT, "/v1/me/picture").json(&body)).await
}

/// Waits until a picture is not pending any more.
async fn settled(client: &Client, ordered: &Answer) -> Value {
    assert_eq!((ordered.status.as_u16(), &ordered.body["state"]), (202, &json!("pending")));
    let path = ordered.header("location");
    eventually("the picture is ready or refused", async || {
        let state = client.get(path).await.body;
        (state["state"] != "pending").then_some(state)
    })
    .await
}

/// The path of an address.
fn path(address: &Value) -> String {
    address.as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_picture_appears_in_three_sizes_that_everybody_may_cache(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let (alice, bob) = (api.guest().await, api.guest().await);
    let upload = alice.upload(jpeg()).await;
    let first = settled(&alice, &set(&alice, &upload).await).await;
    assert_eq!(first["state"], "ready", "{first}");
    let picture = me(&alice).await["picture"].clone();
    assert_eq!(picture, first["picture"]);
    assert!(picture["thumbHash"].as_str().unwrap().len() > 8, "{picture}");
    let seen = bob.get(&format!("/v1/users/{}", alice.user())).await.body;
    assert_eq!(seen["picture"], picture);
    for size in ["small", "medium", "large"] {
        let got = api.anonymous().get(&path(&picture[size])).await;
        assert_eq!((got.status.as_u16(), got.header("content-type")), (200, "image/jpeg"));
        assert_eq!(got.header("cache-control"), "public, max-age=31536000, immutable");
        let again = alice.request(Method::GET, &path(&picture[size]));
        let again = alice.send(again.header("if-none-match", got.header("etag"))).await;
        assert_eq!(again.status, 304);
    }
    let id = first["id"].as_str().unwrap();
    for wrong in ["huge.jpg", "small.png", "small"] {
        let answer = alice.get(&format!("/pictures/{}/{id}/{wrong}", alice.user())).await;
        assert_eq!(problem_of(&answer).0, 404, "{wrong}");
    }
    assert_eq!(problem_of(&bob.get(&format!("/v1/pictures/{id}")).await).0, 404);

    // A newer one takes its place, and the old one goes.
    let second = settled(&alice, &set(&alice, &upload).await).await;
    assert_eq!(me(&alice).await["picture"], second["picture"]);
    eventually("the first picture is deleted", async || {
        (alice.get(&path(&picture["large"])).await.status == 404).then_some(())
    })
    .await;
    let removed = alice.send(alice.request(Method::DELETE, "/v1/me/picture")).await;
    assert_eq!((removed.status.as_u16(), &me(&alice).await["picture"]), (204, &json!(null)));
    eventually("the second picture is deleted", async || {
        (alice.get(&path(&second["picture"]["small"])).await.status == 404).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_picture_is_refused_and_the_profile_stays(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let (alice, bob) = (api.guest().await, api.guest().await);
    let good = settled(&alice, &set(&alice, &alice.upload(jpeg()).await).await).await;
    let text = alice.upload(b"plain text".to_vec()).await;
    let cut = alice.upload(jpeg()[..200].to_vec()).await;
    let nothing = alice.unused_key();
    for (key, code) in
        [(text, "UNSUPPORTED_FORMAT"), (cut, "NOT_AN_IMAGE"), (nothing, "IMAGE_MISSING")]
    {
        let refused = settled(&alice, &set(&alice, &key).await).await;
        assert_eq!((&refused["state"], &refused["errorCode"]), (&json!("refused"), &json!(code)));
        assert_eq!(refused["picture"], json!(null));
    }
    assert_eq!(me(&alice).await["picture"], good["picture"]);
    let foreign = bob.upload(jpeg()).await;
    assert_eq!(problem_of(&set(&alice, &foreign).await).2, ["objectKey"]);
}
