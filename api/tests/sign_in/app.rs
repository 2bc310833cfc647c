//! The app's own sign-in, read as the app reads it.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Answer, Client};

use super::{stack, with};
use crate::double::Double;

/// The app's envelope.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<T> {
    success: bool,
    code: i64,
    error_code: Option<String>,
    message: Option<String>,
    data: Option<T>,
}

/// Fields that the published client requires of a sign-in response.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    provider: Option<String>,
    is_personal: Option<bool>,
    is_signed_up: Option<bool>,
    nickname: String,
    user_id: i64,
    access_token: String,
    refresh_token: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Envelope<T> {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// The header that the app sends while it has no token: two Korean letters.
const NO_TOKEN: &[u8] = "실패".as_bytes();

async fn authorize(client: &Client, path: &str, body: &Value) -> Answer {
    let request = client.request(Method::POST, path).json(body);
    let request = match client.session["accessToken"].as_str() {
        Some(_) => request,
        None => request.header("authorization", NO_TOKEN),
    };
    client.send(request).await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_signs_in_by_either_path_and_reads_either_envelope(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let client = stack.api().await.anonymous();
    let mut people = Vec::new();
    for path in ["/api/app/authorization", "/api/oauth2/authorization"] {
        let body = json!({ "provider": "ACME", "token": acme.token("alice").await, "extra": 1 });
        // Everything is sent twice.
        for _ in 0..2 {
            let answer = authorize(&client, path, &body).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["code"]),
                (200, &json!(0)),
                "{answer:?}"
            );
            let one: Envelope<Person> = read(&answer);
            let two: Envelope<Envelope<Person>> = read(&answer);
            let (outer, inner) = (one.data.unwrap(), two.data.unwrap());
            assert!(one.success && inner.success && inner.code == 0 && one.error_code.is_none());
            assert_eq!(
                (one.message.as_deref(), &inner.data.unwrap().user_id),
                (Some("Ok"), &outer.user_id)
            );
            let data = &answer.body["data"];
            assert_eq!((&data["personal"], &data["signedUp"]), (&json!(false), &json!(true)));
            assert_eq!((outer.is_personal, outer.is_signed_up), (Some(false), Some(true)));
            people.push(outer);
        }
    }
    assert_eq!(people[0].refresh_token, people[1].refresh_token, "sent twice, it is one session");
    assert_eq!((people[0].provider.as_deref(), &*people[0].nickname), (Some("ACME"), "MinaKim"));
    assert!(people.iter().all(|person| person.user_id == people[0].user_id && person.user_id > 0));
    let listed = with(&client, json!({ "accessToken": people[0].access_token }));
    assert_eq!(listed.get("/v1/sessions").await.body["items"].as_array().unwrap().len(), 2);
    // What the first server's clients never got right is refused in the app's words.
    for (body, status, code) in [
        (json!({ "provider": "ACME", "token": "x" }), 401, None),
        (json!({ "provider": "ACME" }), 422, Some("VALIDATION_FAILED")),
        (json!({ "token": "x" }), 422, Some("VALIDATION_FAILED")),
        (json!({ "provider": "NAVER", "token": "x" }), 422, Some("PROVIDER_UNKNOWN")),
    ] {
        let answer = authorize(&client, "/api/app/authorization", &body).await;
        let envelope: Envelope<Value> = read(&answer);
        assert_eq!(
            (answer.status.as_u16(), envelope.error_code.as_deref()),
            (status, code),
            "{answer:?}"
        );
        assert_eq!((envelope.success, envelope.code), (false, i64::from(status)));
        assert!(envelope.message.is_some_and(|text| !text.is_empty()) && envelope.data.is_none());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_guest_of_the_app_keeps_everything_and_a_stale_token_is_no_hindrance(db: MySqlPool) {
    let (stack, acme) = stack(db).await;
    let api = stack.api().await;
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await["id"].clone();
    let body = json!({ "provider": "acme", "token": acme.token("alice").await });
    let person: Envelope<Person> = read(&authorize(&guest, "/api/app/authorization", &body).await);
    let person = person.data.unwrap();
    let account = with(&guest, json!({ "accessToken": person.access_token }));
    assert_eq!(account.get("/v1/analyses").await.body["items"][0]["id"], analysis);
    let stale = with(&guest, json!({ "accessToken": "stale" }));
    let again: Envelope<Person> = read(&authorize(&stale, "/api/app/authorization", &body).await);
    assert_eq!(again.data.unwrap().user_id, person.user_id);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_refreshes_and_is_told_why_when_it_cannot(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let client = stack.api().await.anonymous();
    let body = json!({ "provider": "acme", "token": acme.token("alice").await });
    let person: Envelope<Person> = read(&authorize(&client, "/api/app/authorization", &body).await);
    let person = person.data.unwrap();
    let refresh = async |token: &str| {
        let body =
            json!({ "accessToken": person.access_token, "refreshToken": token, "fcmToken": null });
        authorize(&client, "/api/auth/refresh", &body).await
    };
    let (first, second) =
        (refresh(&person.refresh_token).await, refresh(&person.refresh_token).await);
    let (first, second): (Envelope<Tokens>, Envelope<Tokens>) = (read(&first), read(&second));
    let (first, second) = (first.data.unwrap(), second.data.unwrap());
    assert_eq!(first.refresh_token, second.refresh_token, "sent twice");
    assert_ne!(first.refresh_token, person.refresh_token);
    let fresh = with(&client, json!({ "accessToken": second.access_token }));
    assert_eq!(fresh.get("/v1/analyses").await.status, 200);

    let unknown = refresh("unknown").await;
    let expected =
        json!({ "success": false, "code": 401, "message": unknown.body["message"], "data": null });
    assert_eq!((unknown.status.as_u16(), &unknown.body), (401, &expected));
    sqlx::query("UPDATE refresh_tokens SET expires_at = NOW(3)").execute(&db).await.unwrap();
    let expired = refresh(&first.refresh_token).await;
    assert_eq!(
        (expired.status.as_u16(), &expired.body["errorCode"]),
        (401, &json!("TOKEN_EXPIRED"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_phone_belongs_to_who_signed_in_last_and_to_nobody_after_that(db: MySqlPool) {
    let fcm = Double::start("fcm.mjs", &[]).await;
    let (stack, acme) = stack(db.clone()).await;
    let account = fcm.get("/service-account").await.to_string();
    let stack = stack.with("FCM_ENDPOINT", &*fcm.url).with("FCM_SERVICE_ACCOUNT", account);
    let api = stack.api().await;
    let sign_in = async |subject: &str| {
        let body =
            json!({ "provider": "acme", "token": acme.token(subject).await, "fcmToken": "phone" });
        let person: Envelope<Person> =
            read(&authorize(&api.anonymous(), "/api/app/authorization", &body).await);
        with(&api.anonymous(), json!({ "accessToken": person.data.unwrap().access_token }))
    };
    let phones = async |client: &Client| {
        client.get("/v1/push-subscriptions").await.body["items"].as_array().unwrap().len()
    };
    let alice = sign_in("alice").await;
    assert_eq!(phones(&alice).await, 1);
    let bob = sign_in("bob").await;
    assert_eq!((phones(&alice).await, phones(&bob).await), (0, 1));
    // Signing out at the other account leaves it where it is.
    let out = async |client: &Client| {
        client.send(client.request(Method::DELETE, "/v1/sessions/current")).await.status.as_u16()
    };
    assert_eq!(out(&alice).await, 204);
    assert_eq!(phones(&bob).await, 1);
    assert_eq!(out(&bob).await, 204);
    let left: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM push_targets").fetch_one(&db).await.unwrap();
    assert_eq!(left, 0);
}
