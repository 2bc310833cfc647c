//! Submitting several photos of one person in one analysis.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_colour::photo::PHOTO_LIMIT_BYTES;
use toneup_testing::{Answer, Client, RunningAnalyzer, Stack, photo, problem_of};

fn form(photos: &[Vec<u8>]) -> Form {
    photos.iter().fold(Form::new(), |form, photo| {
        form.part("image", Part::bytes(photo.clone()).file_name("me.jpg"))
    })
}

async fn submit_form(client: &Client, path: &str, form: Form) -> Answer {
    client.send(client.request(Method::POST, path).multipart(form)).await
}

/// A JPEG by its first bytes.
fn jpeg(bytes: u64) -> Vec<u8> {
    let mut photo = vec![0; usize::try_from(bytes).unwrap()];
    photo[..3].copy_from_slice(&[0xff, 0xd8, 0xff]);
    photo
}

async fn payload(stack: &Stack) -> Value {
    let query = "SELECT payload FROM jobs WHERE kind = 'analysis'";
    sqlx::query_scalar(query).fetch_one(&stack.pool).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn three_photos_become_one_result_that_names_each(db: MySqlPool) {
    let analyzer = RunningAnalyzer::start().await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", &analyzer.url);
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let mut keys = Vec::new();
    for name in ["face.jpg", "no-face.jpg", "face-2.jpg"] {
        keys.push(guest.upload(photo(name)).await);
    }
    let request = guest.request(Method::POST, "/v1/analyses").header("prefer", "wait=30");
    let done = guest.send(request.json(&json!({ "objectKeys": keys }))).await.body;

    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(1)), "{done}");
    let result = &done["result"];
    let photos = result["photos"].as_array().unwrap();
    assert_eq!(photos.len(), 3);
    assert_eq!(photos[1]["leftOut"]["code"], "NO_FACE");
    assert!(photos[0]["personalColor"].is_string() && photos[2]["personalColor"].is_string());
    assert!(result["spread"].is_number() && result["confidence"].is_number(), "{result}");
    let told = guest.get("/v1/analyses").await.body;
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "one analysis");
    assert_eq!(told["items"][0]["result"], *result);
}

#[sqlx::test(migrations = "../migrations")]
async fn photos_may_come_as_parts_of_one_form(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let photos = [photo("face.jpg"), photo("face-2.jpg")];
    let accepted = submit_form(&guest, "/v1/analyses", form(&photos)).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let payload = payload(&stack).await;
    let objects = stack.objects();
    for (key, photo) in [(&payload["objectKey"], 0), (&payload["otherKeys"][0], 1)] {
        let stored = objects.get(key.as_str().unwrap(), PHOTO_LIMIT_BYTES).await.unwrap();
        assert_eq!(stored, photos[photo]);
    }
    let again = submit_form(&guest, "/v1/analyses", form(&photos)).await;
    assert_eq!(again.body["id"], accepted.body["id"], "the same photos, sent again");
    let first_alone = submit_form(&guest, "/v1/analyses", form(&photos[..1])).await;
    assert_ne!(first_alone.body["id"], accepted.body["id"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_form_takes_five_photos_of_forty_mebibytes_and_the_apps_door_one(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let small = photo("face-2.jpg");
    let six = submit_form(&guest, "/v1/analyses", form(&vec![small.clone(); 6])).await;
    assert_eq!(problem_of(&six).2, ["image"]);
    let apps = submit_form(&guest, "/api/personalcolor", form(&vec![small; 2])).await;
    assert_eq!(apps.status, 422, "{apps:?}");

    let eight = vec![jpeg(PHOTO_LIMIT_BYTES * 8 / 10); 5];
    let accepted = submit_form(&guest, "/v1/analyses", form(&eight)).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let nine = vec![jpeg(PHOTO_LIMIT_BYTES * 9 / 10); 5];
    let refused = submit_form(&guest, "/v1/analyses", form(&nine)).await;
    assert_eq!(problem_of(&refused).1, "too_large");
}

#[sqlx::test(migrations = "../migrations")]
async fn photos_that_cannot_be_one_analysis_are_refused_with_the_field(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (guest, other) = (api.guest().await, api.guest().await);
    let key = |number: usize| format!("u/{}/{number}.jpg", guest.user());
    let keys: Vec<String> = (0..6).map(key).collect();
    let cases = [
        (json!({ "objectKeys": keys }), "objectKeys"),
        (json!({ "objectKeys": [] }), "objectKeys"),
        (json!({ "objectKeys": [key(0), key(1), key(0)] }), "objectKeys"),
        (json!({ "objectKey": key(0), "objectKeys": [key(1)] }), "objectKeys"),
        (json!({ "objectKeys": [key(0), other.unused_key()] }), "objectKeys[1]"),
        (json!({}), "objectKey"),
    ];
    for (body, field) in cases {
        let (status, code, fields) = problem_of(&guest.post("/v1/analyses", body.clone()).await);
        assert_eq!((status, code.as_str()), (422, "validation_failed"), "{body}");
        assert_eq!(fields, [field], "{body}");
    }
    let five = guest.post("/v1/analyses", json!({ "objectKeys": keys[..5] })).await;
    assert_eq!(five.status, 202);
    let payload = payload(&stack).await;
    assert_eq!(
        (&payload["objectKey"], &payload["otherKeys"]),
        (&json!(keys[0]), &json!(keys[1..5]))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_idempotency_key_is_bound_to_all_photos_and_one_photo_is_written_as_before(
    db: MySqlPool,
) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let submit = async |body: Value| {
        let request = guest.request(Method::POST, "/v1/analyses").header("idempotency-key", "k");
        guest.send(request.json(&body)).await
    };
    let key = |number: usize| format!("u/{}/{number}.jpg", guest.user());
    let first = submit(json!({ "objectKeys": [key(0)] })).await;
    let same = submit(json!({ "objectKey": key(0) })).await;
    assert_eq!(first.body["id"], same.body["id"]);
    assert_eq!(payload(&stack).await, json!({ "objectKey": key(0) }));
    let more = submit(json!({ "objectKeys": [key(0), key(1)] })).await;
    assert_eq!(problem_of(&more).1, "idempotency_key_reused");
}

#[sqlx::test(migrations = "../migrations")]
async fn each_photo_of_an_analysis_counts_for_the_hour(db: MySqlPool) {
    let stack = Stack::new(db).await.with("SUBMITS_PER_HOUR", "3");
    let guest = stack.api().await.guest().await;
    let key = |number: usize| format!("u/{}/{number}.jpg", guest.user());
    let two = |from: usize| json!({ "objectKeys": [key(from), key(from + 1)] });
    assert_eq!(guest.post("/v1/analyses", two(0)).await.status, 202);
    assert_eq!(problem_of(&guest.post("/v1/analyses", two(2)).await).1, "rate_limited");
    assert_eq!(guest.post("/v1/analyses", json!({ "objectKey": key(4) })).await.status, 202);
}
