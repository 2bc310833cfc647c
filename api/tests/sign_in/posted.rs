//! ID tokens that apps post, accounts, guests and identities.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::JobId;
use toneup_platform::identity::UserId;
use toneup_testing::{Client, end_analyses, eventually, problem_of, season};

use super::{post, stack, with};

#[sqlx::test(migrations = "../migrations")]
async fn an_identity_is_one_account_wherever_it_signs_in(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let client = stack.api().await.anonymous();
    let first = post(&client, &acme.token("alice").await).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!((&first.body["provider"], &first.body["isNew"]), (&json!("acme"), &json!(true)));
    let claims = acme.claims("alice");
    for change in [
        json!({ "aud": "ios" }),
        json!({ "aud": ["web", "ios"], "azp": "ios" }),
        json!({ "azp": "android" }),
        json!({ "nonce": "of the app's library" }),
        json!({ "name": null, "email_verified": "true" }),
    ] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let again = post(&client, &acme.sign(claims, json!({}), "provider").await).await;
        assert_eq!((again.status.as_u16(), &again.body["isNew"]), (201, &json!(false)), "{change}");
        assert_eq!(again.body["userId"], first.body["userId"]);
    }
    let curve = acme.sign(claims, json!({}), "ec").await;
    assert_eq!(post(&client, &curve).await.body["userId"], first.body["userId"], "ES256");
    let bob = post(&client, &acme.token("bob").await).await;
    assert_ne!(bob.body["userId"], first.body["userId"], "accounts are not joined by a name");
    let alice = with(&client, first.body);
    assert_eq!(alice.get("/v1/analyses").await.status, 200);
    let stored: String = sqlx::query_scalar("SELECT nickname FROM users WHERE id = ?")
        .bind(uuid::Uuid::parse_str(alice.user()).unwrap())
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(stored, "MinaKim");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_posted_many_times_at_once_is_one_session_of_one_account(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let replicas = [stack.api().await.anonymous(), stack.api().await.anonymous()];
    let token = acme.token("alice").await;
    let answers = join_all((0..10).map(|n| post(&replicas[n % 2], &token))).await;
    for answer in &answers {
        assert_eq!(answer.status, 201, "{answer:?}");
        for member in ["userId", "sessionId", "refreshToken"] {
            assert_eq!(answer.body[member], answers[0].body[member]);
        }
    }
    let session = &answers[0].body;
    let refresh = json!({ "refreshToken": session["refreshToken"] });
    assert_eq!(replicas[0].post("/v1/sessions/refresh", refresh).await.status, 200);
    let later = post(&replicas[0], &token).await.body;
    assert_eq!(later["userId"], session["userId"]);
    assert_ne!(later["sessionId"], session["sessionId"], "that one is in use");
    let people: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(&db).await.unwrap();
    assert_eq!(people, 1);
}

/// An analysis of the client's that has ended.
async fn ended(db: &MySqlPool, client: &Client) -> Value {
    let analysis = client.submit(&client.unused_key()).await["id"].clone();
    let id = JobId(analysis.as_str().unwrap().parse().unwrap());
    let user = UserId(client.user().parse().unwrap());
    end_analyses(db, user, &[id], &season(PersonalColor::Autumn)).await;
    analysis
}

async fn history(client: &Client) -> Vec<Value> {
    let items = client.get("/v1/analyses").await.body["items"].clone();
    items.as_array().unwrap().iter().map(|analysis| analysis["id"].clone()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_guest_who_signs_in_is_the_same_user_from_then_on(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let guest = stack.api().await.guest().await;
    let (done, open) = (ended(&db, &guest).await, guest.submit(&guest.unused_key()).await);
    let signed_in = post(&guest, &acme.token("alice").await).await;
    assert_eq!((signed_in.status.as_u16(), &signed_in.body["isNew"]), (201, &json!(true)));
    for member in ["userId", "sessionId"] {
        assert_eq!(signed_in.body[member], guest.session[member]);
    }
    let alice = with(&guest, signed_in.body);
    assert_eq!(history(&alice).await, [open["id"].clone(), done]);
    assert_eq!(guest.get("/v1/analyses").await.status, 200, "its old token goes on");
    // Somebody else at the same device: not the same account.
    let bob = post(&alice, &acme.token("bob").await).await.body;
    assert_ne!(bob["userId"], alice.session["userId"]);
    assert_eq!(history(&with(&alice, bob)).await.len(), 0);
    assert_eq!(history(&alice).await.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_guests_analyses_move_to_the_account_that_there_is(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let api = stack.api().await;
    let alice = post(&api.anonymous(), &acme.token("alice").await).await.body;
    let guest = api.guest().await;
    let done = ended(&db, &guest).await;
    let open = guest.submit(&guest.unused_key()).await["id"].clone();
    let signed_in = post(&guest, &acme.token("alice").await).await;
    assert_eq!(signed_in.body["userId"], alice["userId"], "{signed_in:?}");
    let account = with(&guest, signed_in.body);
    assert_eq!(history(&account).await, vec![done.clone()], "what has ended is there at once");
    let colour = async || account.get("/v1/me").await.body["personalColor"].clone();
    assert_eq!(colour().await, "AUTUMN");
    assert_eq!(guest.get("/v1/analyses").await.status, 401, "the guest is no more");
    // A worker ends the other, for the user that it knows of.
    let id = JobId(open.as_str().unwrap().parse().unwrap());
    let user = UserId(guest.user().parse().unwrap());
    end_analyses(&db, user, &[id], &season(PersonalColor::Winter)).await;
    sqlx::query("UPDATE guest_transfers SET due_at = NOW(3)").execute(&db).await.unwrap();
    eventually("the other analysis", async || {
        (history(&account).await == [open.clone(), done.clone()]).then_some(())
    })
    .await;
    assert_eq!(colour().await, "WINTER", "of the later one");
    sqlx::query("UPDATE guest_transfers SET due_at = NOW(3), created_at = NOW(3) - INTERVAL 1 DAY")
        .execute(&db)
        .await
        .unwrap();
    eventually("the end of the transfer", async || {
        let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM guest_transfers")
            .fetch_one(&db)
            .await
            .unwrap();
        (left == 0).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn identities_are_linked_from_a_live_session_and_the_last_one_stays(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let api = stack.api().await;
    let alice = post(&api.anonymous(), &acme.token("alice").await).await.body;
    let alice = with(&api.anonymous(), alice);
    let bob = with(&alice, post(&api.anonymous(), &acme.token("bob").await).await.body);
    let link = async |client: &Client, subject: &str| {
        let body = json!({ "provider": "acme", "idToken": acme.token(subject).await });
        client.post("/v1/identities", body).await
    };
    for _ in 0..2 {
        assert_eq!(link(&alice, "alice-at-work").await.status, 204);
    }
    assert_eq!(problem_of(&link(&bob, "alice-at-work").await).1, "identity_taken");
    assert_eq!(problem_of(&link(&api.anonymous(), "x").await).1, "unauthenticated");
    let at_work = post(&api.anonymous(), &acme.token("alice-at-work").await).await.body;
    assert_eq!(at_work["userId"], alice.session["userId"]);

    let listed = alice.get("/v1/identities").await.body["items"].clone();
    let ids: Vec<String> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|identity| format!("/v1/identities/{}", identity["id"].as_str().unwrap()))
        .collect();
    assert_eq!(ids.len(), 2);
    let delete =
        async |client: &Client, path: &str| client.send(client.request(Method::DELETE, path)).await;
    assert_eq!(problem_of(&delete(&bob, &ids[0]).await).0, 404);
    assert_eq!(delete(&alice, &ids[0]).await.status, 204);
    assert_eq!(problem_of(&delete(&alice, &ids[1]).await).1, "last_identity");
    assert_eq!(problem_of(&delete(&alice, &ids[0]).await).0, 404);
    let stranger = post(&api.anonymous(), &acme.token("alice").await).await.body;
    assert_eq!(stranger["isNew"], true, "no longer hers");
    // A revoked session changes nothing, not even at a replica that has not heard of it.
    sqlx::query("UPDATE sessions SET revoked_at = NOW(3) - INTERVAL 1 HOUR WHERE user_id = ?")
        .bind(uuid::Uuid::parse_str(bob.user()).unwrap())
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(problem_of(&link(&bob, "y").await).0, 401);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_provider_that_is_away_is_not_the_tokens_fault(db: MySqlPool) {
    let (stack, acme) = stack(db).await;
    let token = acme.token("alice").await;
    let away = acme.settings().replace(&acme.0.url, "http://127.0.0.1:1");
    let client = stack.with("SIGN_IN_PROVIDERS", away).api().await.anonymous();
    for _ in 0..2 {
        let answer = post(&client, &token).await;
        assert_eq!(problem_of(&answer), (503, "provider_unavailable".to_owned(), vec![]));
        assert_eq!(answer.header("retry-after"), "5");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_that_the_provider_adds_is_fetched_once(db: MySqlPool) {
    let (stack, acme) = stack(db).await;
    let client = stack.api().await.anonymous();
    assert_eq!(post(&client, &acme.token("alice").await).await.status, 201);
    let fetches = async || acme.0.get("/fetches").await["fetches"].as_u64().unwrap();
    assert_eq!(fetches().await, 1);
    acme.0.post("/rotate", json!({})).await;
    let rotated = acme.sign(acme.claims("alice"), json!({}), "rotated").await;
    // Within the pause after the first fetch nobody asks again.
    let token = acme.sign(acme.claims("bob"), json!({ "kid": "made up" }), "provider").await;
    for _ in 0..5 {
        assert_eq!(post(&client, &token).await.status, 401);
    }
    assert_eq!(fetches().await, 1, "made-up keys are not asked for again and again");
    let elsewhere = stack.api().await.anonymous();
    assert_eq!(post(&elsewhere, &rotated).await.status, 201);
}
