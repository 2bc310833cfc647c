//! Presigned uploads: what S3 itself enforces.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::MySqlPool;
use toneup_api::features::uploads::delete_unsubmitted;
use toneup_platform::origins::PageOrigins;
use toneup_testing::{Stack, problem_of};

#[sqlx::test(migrations = "../migrations")]
async fn a_signed_upload_stores_the_photo_under_the_callers_prefix(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let key = guest.upload(b"not really a photo".to_vec()).await;
    assert!(key.starts_with(&format!("u/{}/", guest.user())), "{key}");
    assert_eq!(stack.objects().get(&key, 100).await.unwrap(), "not really a photo");
}

#[sqlx::test(migrations = "../migrations")]
async fn s3_refuses_what_was_not_signed(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let photo = vec![7; 100];
    let request = json!({ "contentType": "image/png", "contentLength": photo.len() });
    let upload = guest.post("/v1/uploads", request).await.body;

    assert_eq!(guest.put(&upload, "image/jpeg", photo.clone()).await, 403, "another type");
    assert_eq!(guest.put(&upload, "image/png", vec![7; 101]).await, 403, "another length");
    let mut elsewhere = upload.clone();
    elsewhere["url"] = Value::from(upload["url"].as_str().unwrap().replace(".png", "x.png"));
    assert_eq!(guest.put(&elsewhere, "image/png", photo.clone()).await, 403, "another key");
    assert_eq!(guest.put(&upload, "image/png", photo).await, 200, "as signed");
}

#[sqlx::test(migrations = "../migrations")]
async fn other_names_of_a_format_are_signed_as_the_format(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    for (name, signed) in [("image/jpg", "image/jpeg"), ("image/heif", "image/heic")] {
        let request = json!({ "contentType": name, "contentLength": 5 });
        let upload = guest.post("/v1/uploads", request).await.body;
        assert_eq!(upload["headers"]["content-type"], signed, "{name}: {upload}");
        assert_eq!(guest.put(&upload, signed, vec![7; 5]).await, 200, "{name}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_upload_that_cannot_be_a_photo_is_refused_with_the_field(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let cases = [
        (json!({ "contentType": "image/gif", "contentLength": 5 }), 422, "contentType"),
        (json!({ "contentType": "image/jpeg", "contentLength": 0 }), 422, "contentLength"),
        (json!({ "contentType": "image/jpeg", "contentLength": "5" }), 422, "contentLength"),
        (json!({ "contentType": "image/jpeg" }), 422, "contentLength"),
        (json!({ "contentType": "image/jpeg", "contentLength": 5, "sha256": "x" }), 422, "sha256"),
        (json!({ "contentType": "image/jpeg", "contentLength": 5, "key": "x" }), 422, "key"),
    ];
    for (body, status, field) in cases {
        let (got, code, fields) = problem_of(&guest.post("/v1/uploads", body.clone()).await);
        assert_eq!((got, code.as_str()), (status, "validation_failed"), "{body}");
        assert_eq!(fields, [field], "{body}");
    }
    let large = json!({ "contentType": "image/jpeg", "contentLength": 10 * 1024 * 1024 + 1 });
    assert_eq!(problem_of(&guest.post("/v1/uploads", large).await).1, "too_large");
}

#[sqlx::test(migrations = "../migrations")]
async fn s3_refuses_other_bytes_than_the_digest_names(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let photo = b"a photo of twenty by".to_vec();
    let digest = BASE64_STANDARD.encode(Sha256::digest(&photo));
    let request =
        json!({ "contentType": "image/png", "contentLength": photo.len(), "sha256": digest });
    let upload = guest.post("/v1/uploads", request).await.body;
    let other = b"another of twenty by".to_vec();
    assert_eq!(other.len(), photo.len());
    let refused = guest.put(&upload, "image/png", other).await;
    assert!(refused.is_client_error(), "other bytes: {refused}");
    assert_eq!(guest.put(&upload, "image/png", photo).await, 200, "as signed");
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_that_may_call_the_api_may_upload_to_the_bucket(db: MySqlPool) {
    let stack = Stack::new(db).await.with_bucket("cors");
    let page = "http://127.0.0.1:8080".parse().unwrap();
    let origins = PageOrigins::of(&page, vec!["https://app.example".to_owned()]);
    stack.objects().prepare_bucket(&origins, "u/", 1).await.unwrap();
    let guest = stack.api().await.guest().await;
    let upload = json!({ "contentType": "image/jpeg", "contentLength": 5 });
    let upload = guest.post("/v1/uploads", upload).await.body;
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    let admitted = async |origin: &str| {
        let preflight = browser.request(Method::OPTIONS, upload["url"].as_str().unwrap());
        let preflight = preflight.header("origin", origin);
        let preflight = preflight.header("access-control-request-method", "PUT");
        let preflight = preflight.header("access-control-request-headers", "content-type");
        let answer = preflight.send().await.unwrap();
        let allowed = answer.headers().get("access-control-allow-origin");
        allowed.is_some_and(|allowed| allowed == origin)
    };
    for origin in ["http://127.0.0.1:8080", "http://localhost:8080", "https://app.example"] {
        assert!(admitted(origin).await, "{origin}");
    }
    assert!(!admitted("https://evil.example").await);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_apps_door_signs_a_length_that_it_is_told(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let sign = async |names: &[&str], lengths: Value| {
        let body = json!({ "fileNames": names, "contentLengths": lengths });
        guest.post("/api/uploads/presigned-urls", body).await
    };
    let signed = sign(&["a.jpg"], json!([5])).await.body;
    let url = signed["data"]["files"][0]["uploadUrl"].as_str().unwrap();
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    let put = async |bytes: usize| {
        browser.put(url).body(vec![7; bytes]).send().await.unwrap().status().as_u16()
    };
    assert_eq!((put(6).await, put(5).await), (403, 200));
    for lengths in [json!([5]), json!([5, 0]), json!([5, 10 * 1024 * 1024 + 1])] {
        let refused = sign(&["a.jpg", "b.jpg"], lengths.clone()).await;
        assert!(refused.status.is_client_error(), "{lengths}: {refused:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_nobody_submits_is_deleted_and_what_is_too_large_at_once(db: MySqlPool) {
    let stack = Stack::new(db).await.with_bucket("unsubmitted");
    let objects = stack.objects();
    let origins = PageOrigins::of(&"http://127.0.0.1:8080".parse().unwrap(), vec![]);
    objects.prepare_bucket(&origins, "u/", 1).await.unwrap();
    let guest = stack.api().await.guest().await;
    let (submitted, forgotten) = (guest.upload(vec![7; 5]).await, guest.upload(vec![7; 5]).await);
    let second = guest.upload(vec![7; 5]).await;
    let submit = json!({ "objectKeys": [submitted, second] });
    assert_eq!(guest.post("/v1/analyses", submit).await.status, 202);
    // By a door that signed no length, and of a user of another installation.
    let large = guest.unused_key();
    objects.put(&large, "image/jpeg", vec![7; 10 * 1024 * 1024 + 1].into()).await.unwrap();
    let foreign = format!("u/{}/x.jpg", uuid::Uuid::now_v7());
    objects.put(&foreign, "image/jpeg", vec![7; 5].into()).await.unwrap();
    let left = async |retention: Duration| {
        let pool = stack.pool.clone().into();
        delete_unsubmitted(&pool, &objects, retention).await.unwrap();
        let listed = objects.list("u/", None).await.unwrap();
        let mut keys: Vec<String> = listed.into_iter().map(|object| object.key).collect();
        keys.sort();
        keys
    };
    let sorted = |mut keys: Vec<&String>| {
        keys.sort();
        keys.into_iter().cloned().collect::<Vec<_>>()
    };
    let young = sorted(vec![&submitted, &second, &forgotten, &foreign]);
    assert_eq!(left(Duration::from_hours(12)).await, young);
    assert_eq!(left(Duration::ZERO).await, sorted(vec![&submitted, &second, &foreign]));
}
