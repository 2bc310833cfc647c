//! Guest sessions, refresh tokens, and the end of sessions.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use toneup_testing::{Answer, Client, Running, Stack, eventually, problem_of};

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

async fn refresh(client: &Client, token: &Value) -> Answer {
    client.post("/v1/sessions/refresh", json!({ "refreshToken": token })).await
}

/// Makes the first use of a refresh token lie so many seconds back.
async fn used_before(db: &MySqlPool, token: &Value, seconds: u64) {
    let update = "UPDATE refresh_tokens SET used_at = NOW(3) - INTERVAL ? SECOND
                  WHERE token_hash = UNHEX(SHA2(?, 256)) AND used_at IS NOT NULL";
    let update = sqlx::query(update).bind(seconds).bind(token.as_str().unwrap());
    assert_eq!(update.execute(db).await.unwrap().rows_affected(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_repeated_refresh_gets_the_same_successor_until_that_was_used_for_a_minute(
    db: MySqlPool,
) {
    let api = Stack::new(db.clone()).await.api().await;
    let guest = api.guest().await;
    let first = &guest.session["refreshToken"];
    let second = refresh(&guest, first).await;
    assert_eq!(second.status, 200, "{second:?}");
    assert_eq!(second.body["userId"], guest.session["userId"]);
    let second = &second.body["refreshToken"];
    assert_ne!(first, second);
    // The answer was lost, however long ago.
    used_before(&db, first, 90_000).await;
    assert_eq!(&refresh(&guest, first).await.body["refreshToken"], second);

    let third = refresh(&guest, second).await.body["refreshToken"].clone();
    // A late duplicate: another tab.
    used_before(&db, second, 50).await;
    let late = refresh(&guest, first).await;
    assert_eq!((late.status.as_u16(), &late.body["refreshToken"]), (200, second));
    assert_eq!(refresh(&guest, second).await.body["refreshToken"], third, "nobody was signed out");

    used_before(&db, second, 61).await;
    let stolen = refresh(&guest, first).await;
    assert_eq!(problem_of(&stolen), (401, "refresh_token_invalid".to_owned(), vec![]));
    for heir in [second, &third] {
        assert_eq!(problem_of(&refresh(&guest, heir).await).1, "refresh_token_invalid");
    }
    // Its access tokens end with it.
    assert_eq!(guest.get("/v1/analyses").await.status, 401);
    assert_eq!(problem_of(&refresh(&guest, first).await).0, 401);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hundred_refreshes_at_once_have_one_successor(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let replicas = [stack.api().await, stack.api().await, stack.api().await];
    let guest = replicas[0].guest().await;
    let clients: Vec<Client> = replicas.iter().map(Running::anonymous).collect();
    let mut token = guest.session["refreshToken"].clone();
    for _ in 0..2 {
        let refreshes = (0..100).map(|n| refresh(&clients[n % 3], &token));
        let answers = futures_util::future::join_all(refreshes).await;
        let failed = answers.iter().find(|answer| answer.status != 200);
        assert!(failed.is_none(), "{failed:?}");
        let successors: BTreeSet<&str> =
            answers.iter().map(|answer| answer.body["refreshToken"].as_str().unwrap()).collect();
        assert_eq!(successors.len(), 1);
        token = json!(successors.first().unwrap());
    }
    let (tokens, sessions): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM refresh_tokens), (SELECT COUNT(*) FROM sessions)",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!((tokens, sessions), (3, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_whose_answer_was_cut_off_after_the_commit_goes_on_elsewhere(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let (here, elsewhere) = (stack.api().await, stack.api().await);
    let guest = here.guest().await;
    let body = json!({ "refreshToken": guest.session["refreshToken"] }).to_string();
    let head = format!(
        "POST /v1/sessions/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut line = TcpStream::connect(here.url.trim_start_matches("http://")).await.unwrap();
    line.write_all(head.as_bytes()).await.unwrap();
    eventually("the commit", async || {
        let used = "SELECT COUNT(*) FROM refresh_tokens WHERE used_at IS NOT NULL";
        let used: i64 = sqlx::query_scalar(used).fetch_one(&db).await.unwrap();
        (used == 1).then_some(())
    })
    .await;
    // Closed without a byte read: the client knows nothing of its successor.
    drop(line);
    let client = elsewhere.anonymous();
    let again = refresh(&client, &guest.session["refreshToken"]).await;
    assert_eq!(again.status, 200, "{again:?}");
    let next = refresh(&client, &again.body["refreshToken"]).await;
    assert_eq!(next.body["userId"], guest.session["userId"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_of_the_release_before_goes_on(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let guest = api.guest().await;
    sqlx::query("DELETE FROM sessions").execute(&db).await.unwrap();
    let refreshed = refresh(&guest, &guest.session["refreshToken"]).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let mut client = guest.clone();
    client.session = refreshed.body;
    let listed = client.get("/v1/sessions").await.body;
    assert_eq!(listed["items"][0]["id"], guest.session["sessionId"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_revoked_session_stops_on_every_replica(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let (here, elsewhere) = (stack.api().await, stack.api().await);
    // Hears no hints.
    let deaf = stack.with("REDIS_URL", "redis://127.0.0.1:1/0").api().await;
    let guest = here.guest().await;
    let mut stream = guest.events("/v1/events", None).await;
    let ticket = guest.post("/v1/stream-tickets", json!({})).await.body["ticket"].clone();
    let at = |api: &Running| {
        let mut client = api.anonymous();
        client.session = guest.session.clone();
        client
    };
    for api in [&elsewhere, &deaf] {
        assert_eq!(at(api).get("/v1/analyses").await.status, 200);
    }
    let bob = here.guest().await;
    let path = format!("/v1/sessions/{}", guest.session["sessionId"].as_str().unwrap());
    assert_eq!(problem_of(&delete(&bob, &path).await).0, 404, "another user's");
    assert_eq!(delete(&guest, &path).await.status, 204);
    let revoked = Instant::now();
    for api in [&here, &elsewhere, &deaf] {
        let client = at(api);
        eventually("the end of the session", async || {
            (client.get("/v1/analyses").await.status == 401).then_some(())
        })
        .await;
    }
    assert!(revoked.elapsed() < Duration::from_secs(5), "{:?}", revoked.elapsed());
    while stream.next_of_any_kind().await.is_some() {}
    let path = format!("/v1/events?ticket={}", ticket.as_str().unwrap());
    assert_eq!(here.anonymous().get(&path).await.status, 401);
    assert_eq!(problem_of(&refresh(&bob, &guest.session["refreshToken"]).await).0, 401);
    // A replica that starts later knows it too.
    let late = at(&stack_again(&db).await);
    eventually("the end of the session", async || {
        (late.get("/v1/analyses").await.status == 401).then_some(())
    })
    .await;
    assert_eq!(bob.get("/v1/analyses").await.status, 200);
}

async fn stack_again(db: &MySqlPool) -> Running {
    Stack::new(db.clone()).await.api().await
}

async fn delete(client: &Client, path: &str) -> Answer {
    client.send(client.request(Method::DELETE, path)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn sessions_are_listed_by_device_and_ended_together(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let api = stack.api().await;
    let client = api.anonymous();
    let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1";
    let mut devices = Vec::new();
    for agent in ["Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0", phone, "curl/8"] {
        let request =
            client.request(Method::POST, "/v1/sessions/guest").header("user-agent", agent);
        let mut device = api.anonymous();
        device.session = client.send(request).await.body;
        devices.push(device);
    }
    // One person on all three.
    let user = uuid::Uuid::parse_str(devices[0].user()).unwrap();
    for table in ["sessions", "refresh_tokens"] {
        let all = format!("UPDATE {table} SET user_id = ?");
        sqlx::query(sqlx::AssertSqlSafe(all)).bind(user).execute(&db).await.unwrap();
    }
    for device in &mut devices {
        device.session = refresh(&client, &device.session["refreshToken"]).await.body;
    }
    let listed = devices[1].get("/v1/sessions").await.body["items"].clone();
    let listed: Vec<(&str, bool)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["device"].as_str().unwrap(), one["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(listed, [("", false), ("Safari, iPhone", true), ("Firefox, Linux", false)]);

    assert_eq!(delete(&devices[1], "/v1/sessions?keep=current").await.status, 204);
    let statuses = async || {
        let mut statuses = Vec::new();
        for device in &devices {
            statuses.push(device.get("/v1/sessions").await.status.as_u16());
        }
        statuses
    };
    assert_eq!(statuses().await, [401, 200, 401]);
    assert_eq!(problem_of(&delete(&devices[1], "/v1/sessions?keep=none").await).0, 422);
    assert_eq!(delete(&devices[1], "/v1/sessions/current").await.status, 204);
    assert_eq!(statuses().await, [401, 401, 401]);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_keys_of_access_tokens_are_published(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guest = api.guest().await;
    let keys = api.anonymous().get("/.well-known/jwks.json").await.body;
    let key = keys["keys"][0].as_object().unwrap();
    let members: Vec<&str> = key.keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"], "no private half");
    let decoding = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let token = guest.session["accessToken"].as_str().unwrap();
    let validation = Validation::new(Algorithm::EdDSA);
    let claims = jsonwebtoken::decode::<Value>(token, &decoding, &validation).unwrap();
    assert_eq!(claims.header.kid.as_deref(), key["kid"].as_str());
    assert_eq!(claims.claims["sid"], guest.session["sessionId"]);
    // A refresh token is no access token.
    let mut confused = api.anonymous();
    confused.session = json!({ "accessToken": guest.session["refreshToken"] });
    assert_eq!(problem_of(&confused.get("/v1/analyses").await).1, "unauthenticated");
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
