//! Profiles and following as the app reads them: a decoder for each call, with required and optional members, that unwraps
//! one envelope or an envelope in the envelope, as the app's versions do.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::JobId;
use toneup_platform::identity::UserId;
use toneup_testing::{Answer, Client, end_analyses, season};

use super::failure;
use crate::people::{me, relate};

/// The app's envelope: `success` and `code` are required.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "reading it is the test")]
struct Envelope<T> {
    success: bool,
    code: i64,
    #[serde(rename = "errorCode")]
    error_code: Option<String>,
    message: Option<String>,
    data: Option<T>,
}

/// The profile as the published app requires it: none may be null.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishedProfile {
    user_id: i64,
    nickname: String,
    profile_image_url: String,
    bio: String,
}

/// The profile as the first server wrote it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServersProfile {
    user_id: i64,
    nickname: String,
    personal_color: Option<String>,
    profile_image_url: String,
    bio: String,
    follower: i64,
    following: i64,
    is_following: bool,
    is_follower: bool,
    feed_count: i64,
    diary_count: Option<i64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FollowState {
    is_follower: bool,
    is_following: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Nothing {}

/// Decodes the answer as both kinds of app do, which must read the same.
fn decode<T: DeserializeOwned + PartialEq + std::fmt::Debug>(answer: &Answer) -> T {
    assert_eq!(answer.status, 200, "{answer:?}");
    let single: Envelope<T> = serde_json::from_str(&answer.text).unwrap();
    let double: Envelope<Envelope<T>> = serde_json::from_str(&answer.text).unwrap();
    assert!(single.success && single.code == 0, "{answer:?}");
    let (single, double) = (single.data.unwrap(), double.data.unwrap().data.unwrap());
    assert_eq!(single, double);
    single
}

async fn patch(client: &Client, path: &str, body: Value) -> Answer {
    client.send(client.request(Method::PATCH, path).json(&body)).await
}

async fn profile(client: &Client, path: &str) -> ServersProfile {
    let answer = client.get(&format!("/api/profiles/{path}")).await;
    let published: PublishedProfile = decode(&answer);
    let profile: ServersProfile = decode(&answer);
    assert_eq!(published.user_id, profile.user_id);
    profile
}

async fn toggle(client: &Client, number: impl Into<Value>) -> Answer {
    client.post("/api/friends", json!({ "targetUserId": number.into() })).await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_reads_profiles_with_and_without_a_colour(db: MySqlPool) {
    let stack = super::unhinted(db.clone()).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let own = profile(&alice, "me").await;
    let nickname = me(&alice).await["nickname"].as_str().unwrap().to_owned();
    let expected = ServersProfile {
        user_id: me(&alice).await["number"].as_i64().unwrap(),
        nickname,
        personal_color: None,
        profile_image_url: "http://127.0.0.1:8080/pictures/default.jpg".to_owned(),
        bio: String::new(),
        follower: 0,
        following: 0,
        is_following: false,
        is_follower: false,
        feed_count: 0,
        diary_count: Some(0),
    };
    assert_eq!(own, expected);
    let default = alice.get("/pictures/default.jpg").await;
    assert_eq!((default.status.as_u16(), default.header("content-type")), (200, "image/jpeg"));

    let analysis = alice.submit(&alice.unused_key()).await;
    let id = JobId(analysis["id"].as_str().unwrap().parse().unwrap());
    let user = UserId(alice.user().parse().unwrap());
    end_analyses(&db, user, &[id], &season(PersonalColor::Winter)).await;
    relate(Method::PUT, &alice, "follow", &bob).await;
    let number = own.user_id.to_string();
    let seen = profile(&bob, &number).await;
    let expected = ServersProfile {
        personal_color: Some("WINTER".to_owned()),
        following: 1,
        is_follower: true,
        diary_count: None,
        ..expected
    };
    assert_eq!(seen, expected);
    assert_eq!(profile(&alice, &number).await.diary_count, Some(0), "one's own by its number");
    for unknown in ["0", "99999999", "x", "-1"] {
        let answer = bob.get(&format!("/api/profiles/{unknown}")).await;
        assert_eq!(failure(&answer), (404, "NOT_FOUND"), "{unknown}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_changes_parts_of_a_profile(db: MySqlPool) {
    let stack = super::unhinted(db).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let path = "/api/profiles";
    let all = json!({ "nickname": "봄웜", "bio": "안녕", "profileImageUrl": null, "more": 1 });
    assert_eq!(decode::<Nothing>(&patch(&alice, path, all).await), Nothing {});
    decode::<Nothing>(&patch(&alice, path, json!({ "bio": "hello" })).await);
    decode::<Nothing>(&patch(&alice, path, json!({})).await);
    let own = profile(&alice, "me").await;
    assert_eq!((&*own.nickname, &*own.bio), ("봄웜", "hello"));
    // The app sends a whole profile back.
    let same = json!({ "nickname": "봄웜", "profileImageUrl": own.profile_image_url });
    decode::<Nothing>(&patch(&alice, path, same).await);

    let taken = patch(&bob, path, json!({ "nickname": "봄웜", "bio": "x" })).await;
    assert_eq!(failure(&taken), (400, "NICKNAME_ALREADY_EXISTS"));
    assert_eq!(taken.body["message"], "이미 사용 중인 닉네임입니다.");
    for bad in ["a", "a b", "Kim_117", &"x".repeat(21)] {
        let refused = patch(&bob, path, json!({ "nickname": bad, "bio": "x" })).await;
        assert_eq!(failure(&refused), (400, "INVALID_NICKNAME_FORMAT"), "{bad}");
    }
    let long = patch(&bob, path, json!({ "bio": "봄".repeat(101) })).await;
    assert_eq!(failure(&long), (422, "VALIDATION_FAILED"));
    assert_eq!(profile(&bob, "me").await.bio, "", "nothing of what was refused is stored");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_picture_is_of_an_upload_of_ones_own(db: MySqlPool) {
    let stack = super::unhinted(db.clone()).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let key = alice.unused_key();
    let foreign = bob.unused_key();
    let address = |key: &str| format!("https://s3.example/photos/{key}");
    for text in [foreign.clone(), address(&foreign), String::new(), "images/x.jpg".to_owned()] {
        let body = json!({ "profileImageUrl": text });
        for path in ["/api/profiles", "/api/profiles/image"] {
            let refused = patch(&alice, path, body.clone()).await;
            assert_eq!(failure(&refused), (422, "VALIDATION_FAILED"), "{path} {text}");
        }
    }
    let image = json!({ "profileImageUrl": address(&key) });
    decode::<Nothing>(&patch(&alice, "/api/profiles/image", image).await);
    decode::<Nothing>(&patch(&alice, "/api/profiles", json!({ "profileImageUrl": key })).await);
    let ordered: Vec<String> =
        sqlx::query_scalar("SELECT source_key FROM pictures").fetch_all(&db).await.unwrap();
    assert_eq!(ordered, [key.clone(), key]);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_toggles_following(db: MySqlPool) {
    let stack = super::unhinted(db).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let (number, own) = (me(&bob).await["number"].clone(), me(&alice).await["number"].clone());
    relate(Method::PUT, &bob, "follow", &alice).await;
    for is_following in [true, false, true] {
        let state: FollowState = decode(&toggle(&alice, number.clone()).await);
        assert_eq!(state, FollowState { is_follower: true, is_following });
        assert_eq!(profile(&alice, "me").await.following, i64::from(is_following));
    }
    assert_eq!(failure(&toggle(&alice, own.clone()).await), (422, "VALIDATION_FAILED"));
    assert_eq!(failure(&toggle(&alice, 99_999_999).await), (404, "NOT_FOUND"));
    relate(Method::PUT, &alice, "block", &bob).await;
    assert_eq!(failure(&toggle(&bob, own.clone()).await), (404, "NOT_FOUND"));
    let answer = bob.get(&format!("/api/profiles/{own}")).await;
    assert_eq!(failure(&answer), (404, "NOT_FOUND"));
    assert_eq!(failure(&toggle(&alice, number).await), (409, "USER_BLOCKED"));
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_token_the_app_is_asked_to_sign_in_in_korean(db: MySqlPool) {
    let stack = super::unhinted(db).await;
    let anonymous = stack.api().await.anonymous();
    for path in ["/api/profiles/me", "/api/profiles/1"] {
        // What the published app sends while it has no token.
        let header = reqwest::header::HeaderValue::from_bytes("실패".as_bytes()).unwrap();
        let request = anonymous.request(Method::GET, path).header("authorization", header);
        let answer = anonymous.send(request).await;
        assert_eq!(failure(&answer), (401, "UNAUTHENTICATED"));
        assert_eq!(answer.body["message"], "로그인이 필요합니다.");
    }
}
