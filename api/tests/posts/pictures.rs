//! Pictures of posts, with a worker that makes them.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack, eventually, problem_of};

use super::{call, jpeg, patch, write};

/// Waits until a post is in a state.
async fn until(client: &Client, path: &str, state: &str) -> Value {
    eventually(&format!("the post is {state}"), async || {
        let post = client.get(path).await.body;
        (post["state"] == state).then_some(post)
    })
    .await
}

/// The path of a picture's address.
fn address(picture: &Value) -> String {
    let large = picture["picture"]["large"].as_str().unwrap();
    large.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn pictures_are_made_exchanged_and_deleted_with_their_post(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let (alice, bob) = (api.guest().await, api.guest().await);
    let key = alice.upload(jpeg()).await;
    let body = json!({ "text": "two", "pictures": [{ "objectKey": key }, { "objectKey": key }] });
    let post = alice.post("/v1/posts", body).await.body;
    let path = format!("/v1/posts/{}", post["id"].as_str().unwrap());
    let ready = until(&alice, &path, "ready").await;
    let [first, second] = &ready["pictures"].as_array().unwrap()[..] else { unreachable!() };
    assert_eq!((&first["width"], &first["height"]), (&json!(640), &json!(640)));
    assert_eq!(bob.get(&address(first)).await.status, 200);

    // The second stays, with words, before a new one; the first goes.
    let text = alice.upload(b"plain text".to_vec()).await;
    let pictures = json!([{ "id": second["id"], "alt": "a coat" }, { "objectKey": text }]);
    let changed = patch(&alice, &path, json!({ "pictures": pictures })).await;
    assert_eq!((changed.status.as_u16(), &changed.body["state"]), (200, &json!("processing")));
    let failed = until(&alice, &path, "failed").await;
    assert_eq!(failed["pictures"][1]["errorCode"], "UNSUPPORTED_FORMAT");
    assert_eq!(
        (&failed["pictures"][0]["id"], &failed["pictures"][0]["alt"]),
        (&second["id"], &json!("a coat"))
    );
    assert_eq!(problem_of(&bob.get(&path).await).0, 404);
    eventually("the first picture is deleted", async || {
        (bob.get(&address(first)).await.status == 404).then_some(())
    })
    .await;
    let gone = json!([{ "id": second["id"] }, { "id": first["id"] }]);
    let refused = patch(&alice, &path, json!({ "pictures": gone })).await;
    assert_eq!(problem_of(&refused).2, ["pictures[1].id"]);
    let kept = json!({ "pictures": [{ "id": second["id"] }] });
    let repaired = patch(&alice, &path, kept).await;
    assert_eq!(repaired.body["state"], "ready", "{repaired:?}");

    assert_eq!(call(&alice, Method::DELETE, &path).await.status, 204);
    assert_eq!(problem_of(&call(&alice, Method::DELETE, &path).await).0, 404);
    eventually("the second picture is deleted", async || {
        (bob.get(&address(second)).await.status == 404).then_some(())
    })
    .await;
    // One that is deleted while its picture is being made leaves nothing either.
    let post = write(&alice, "brief", &key).await;
    let path = format!("/v1/posts/{}", post["id"].as_str().unwrap());
    assert_eq!(call(&alice, Method::DELETE, &path).await.status, 204);
    let picture = post["pictures"][0]["id"].as_str().unwrap();
    eventually("its picture is deleted", async || {
        (alice.get(&format!("/v1/pictures/{picture}")).await.status == 404).then_some(())
    })
    .await;
}
