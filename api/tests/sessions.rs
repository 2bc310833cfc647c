//! Guest sessions and refresh tokens.

use serde_json::json;
use sqlx::MySqlPool;
use toneup_testing::{Stack, problem_of};

#[sqlx::test(migrations = "../migrations")]
async fn a_guest_gets_a_token_that_opens_the_api(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guest = api.guest().await;
    assert_eq!(guest.session["tokenType"], "Bearer");
    assert_eq!(guest.session["expiresIn"], 900);
    let page = guest.get("/v1/analyses").await;
    assert_eq!(
        (page.status.as_u16(), page.body),
        (200, json!({ "items": [], "nextCursor": null }))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refresh_token_works_once_and_its_reuse_revokes_the_family(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guest = api.guest().await;
    let refresh = async |token: &serde_json::Value| {
        guest.post("/v1/sessions/refresh", json!({ "refreshToken": token })).await
    };
    let second = refresh(&guest.session["refreshToken"]).await;
    assert_eq!(second.status, 200, "{second:?}");
    assert_eq!(second.body["userId"], guest.session["userId"]);

    let reused = refresh(&guest.session["refreshToken"]).await;
    assert_eq!(problem_of(&reused).1, "refresh_token_invalid");
    let heir = refresh(&second.body["refreshToken"]).await;
    assert_eq!(problem_of(&heir), (401, "refresh_token_invalid".to_owned(), vec![]));
}

#[sqlx::test(migrations = "../migrations")]
async fn only_the_hash_of_a_refresh_token_is_stored(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let token = guest.session["refreshToken"].as_str().unwrap();
    let stored: Vec<Vec<u8>> = sqlx::query_scalar("SELECT token_hash FROM refresh_tokens")
        .fetch_all(&stack.pool)
        .await
        .unwrap();
    assert_eq!(stored.len(), 1);
    assert_ne!(stored[0], token.as_bytes());
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_may_start_only_so_many_sessions(db: MySqlPool) {
    let api = Stack::new(db).await.with("GUEST_SESSIONS_PER_MINUTE", "2").api().await;
    let (_, _) = (api.guest().await, api.guest().await);
    let third = api.anonymous().post("/v1/sessions/guest", json!({})).await;
    assert_eq!(problem_of(&third).1, "rate_limited");
    let seconds: u64 = third.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
}

#[sqlx::test(migrations = "../migrations")]
async fn without_redis_sessions_still_start(db: MySqlPool) {
    let api = Stack::new(db).await.with("REDIS_URL", "redis://127.0.0.1:1/0").api().await;
    assert!(api.guest().await.session["accessToken"].is_string());
}
