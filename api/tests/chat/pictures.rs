//! Pictures in messages and of rooms.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Stack, eventually, problem_of, repository};

use super::{call, direct, group};

fn jpeg() -> Vec<u8> {
    std::fs::read(repository().join("api/src/features/pictures/default.jpg")).unwrap()
}

/// The path of an address.
fn path(address: &Value) -> String {
    address.as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_message_shows_its_pictures_and_loses_them_with_itself(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let (alice, bob) = (api.guest().await, api.guest().await);
    let room = direct(&alice, &bob).await;
    let messages = format!("{room}/messages");
    let uploads = [alice.upload(jpeg()).await, alice.upload(jpeg()).await];
    let body = json!({ "text": "봄", "pictures": uploads, "clientKey": "k" });
    let sent = alice.post(&messages, body.clone()).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    let again = alice.post(&messages, body).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &sent.body));
    let entry = bob.get(&messages).await.body["items"][0].clone();
    assert_eq!((&entry["kind"], &entry["text"]), (&json!("image"), &json!("봄")));
    let pictures = entry["pictures"].as_array().unwrap().clone();
    assert_eq!(pictures.len(), 2);
    assert_eq!(bob.get(&path(&pictures[1]["small"])).await.status, 200);
    // The same uploads in another message are other pictures.
    let other = alice.post(&messages, json!({ "pictures": uploads })).await;
    assert_eq!(other.status, 201, "{other:?}");
    let deleted = call(&alice, Method::DELETE, &format!("{messages}/1"), Value::Null).await;
    assert_eq!(deleted.status, 204);
    eventually("the pictures are deleted", async || {
        (bob.get(&path(&pictures[0]["large"])).await.status == 404).then_some(())
    })
    .await;
    let page = bob.get(&messages).await.body;
    assert_eq!(page["items"][0]["pictures"], json!([]));
    let kept = &page["items"][1]["pictures"][0]["small"];
    assert_eq!(bob.get(&path(kept)).await.status, 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_picture_is_refused_and_nothing_is_sent(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let (alice, bob) = (api.guest().await, api.guest().await);
    let room = group(&alice, &[&bob]).await;
    let messages = format!("{room}/messages");
    let text = alice.upload(b"plain text".to_vec()).await;
    let refused = alice.post(&messages, json!({ "pictures": [text] })).await;
    assert_eq!(problem_of(&refused).1, "picture_refused");
    let foreign = bob.upload(jpeg()).await;
    let refused = alice.post(&messages, json!({ "pictures": [foreign] })).await;
    assert_eq!(problem_of(&refused).2, ["pictures[0]"]);
    assert_eq!(alice.get(&messages).await.body["items"], json!([]));

    let upload = json!({ "objectKey": alice.upload(jpeg()).await });
    let picture = format!("{room}/picture");
    let refused = call(&bob, Method::PUT, &picture, upload.clone()).await;
    assert_eq!(problem_of(&refused).1, "room_owner_only");
    let set = call(&alice, Method::PUT, &picture, upload).await;
    assert_eq!(set.status, 200, "{set:?}");
    assert_eq!(bob.get(&path(&set.body["picture"]["medium"])).await.status, 200);
    assert_eq!(call(&alice, Method::DELETE, &picture, Value::Null).await.status, 204);
    assert_eq!(bob.get(&room).await.body["picture"], json!(null));
}
