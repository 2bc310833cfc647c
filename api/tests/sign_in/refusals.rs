//! Tokens that do not count.

use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::problem_of;

use super::{post, stack, with};

/// Changes of a good token's claims; `null` removes one.
fn changes(now: i64) -> Vec<(&'static str, Value)> {
    let long = "s".repeat(256);
    vec![
        ("another client's audience", json!({ "aud": "stranger" })),
        ("no audience", json!({ "aud": null })),
        ("an empty audience", json!({ "aud": [] })),
        ("audiences without ours", json!({ "aud": ["a", "b"] })),
        ("a stranger among the audiences", json!({ "aud": ["web", "stranger"], "azp": "web" })),
        ("the other provider's client", json!({ "aud": "poster" })),
        ("several audiences and no party", json!({ "aud": ["web", "ios"] })),
        ("another party", json!({ "azp": "stranger" })),
        ("another issuer", json!({ "iss": "https://evil.example" })),
        ("no issuer", json!({ "iss": null })),
        ("an expired one", json!({ "exp": now - 1 })),
        ("no expiry", json!({ "exp": null })),
        ("an expiry that is no number", json!({ "exp": "never" })),
        ("issued in the future", json!({ "iat": now + 3600 })),
        ("no time of issue", json!({ "iat": null })),
        ("no subject", json!({ "sub": null })),
        ("an empty subject", json!({ "sub": "" })),
        ("a long subject", json!({ "sub": long })),
    ]
}

/// Heads and keys of a token whose claims are good.
fn forgeries() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("no signature algorithm", json!({}), "none"),
        ("the public key as a secret", json!({}), "hmac"),
        ("the client secret as a secret", json!({}), "secret"),
        ("another key under the name of ours", json!({}), "stranger"),
        ("a key that nobody knows", json!({ "kid": "unknown" }), "stranger"),
        ("a key that is not published yet", json!({}), "rotated"),
        ("another algorithm than was signed with", json!({ "alg": "RS512" }), "provider"),
        ("an algorithm of another key", json!({ "alg": "ES256" }), "provider"),
        ("a critical extension", json!({ "crit": ["b64"], "b64": false }), "provider"),
        ("an access token", json!({ "typ": "at+jwt" }), "provider"),
        ("a nested token", json!({ "cty": "JWT" }), "provider"),
        (
            "a key of its own",
            json!({ "jwk": { "kty": "RSA", "n": "AQAB", "e": "AQAB" } }),
            "stranger",
        ),
        ("a key elsewhere", json!({ "jku": "https://evil.example/jwks" }), "stranger"),
    ]
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_that_is_not_ours_opens_nothing(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let client = stack.api().await.anonymous();
    let good = acme.claims("alice");
    let mut tokens = Vec::new();
    for (what, change) in changes(good["iat"].as_i64().unwrap()) {
        let mut claims = good.clone();
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        tokens.push((what, acme.sign(claims, json!({}), "provider").await));
    }
    let slash = json!({ "iss": format!("{}/", acme.0.url) });
    let mut claims = good.clone();
    claims.as_object_mut().unwrap().extend(slash.as_object().unwrap().clone());
    tokens.push(("an issuer that is almost ours", acme.sign(claims, json!({}), "provider").await));
    for (what, header, key) in forgeries() {
        tokens.push((what, acme.sign(good.clone(), header, key).await));
    }
    let token = acme.token("alice").await;
    let other = acme.token("bob").await;
    let parts: Vec<&str> = token.split('.').collect();
    let bobs = other.split('.').nth(1).unwrap();
    tokens.extend([
        ("claims of another", format!("{}.{bobs}.{}", parts[0], parts[2])),
        ("a cut signature", token[..token.len() - 8].to_owned()),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("five parts", format!("{token}.a.b")),
        ("no token", "hello".to_owned()),
        ("nothing", String::new()),
    ]);
    assert!(tokens.len() >= 39, "{}", tokens.len());
    for (what, token) in &tokens {
        let answer = post(&client, token).await;
        let expected = (401, "credential_invalid".to_owned(), vec![]);
        assert_eq!(problem_of(&answer), expected, "{what}: {answer:?}");
        assert!(!answer.text.contains(&acme.0.url), "what is wrong is not told: {answer:?}");
    }
    let people: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(&db).await.unwrap();
    assert_eq!(people, 0);
    assert_eq!(post(&client, &token).await.status, 201, "the good one");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_request_that_asks_for_too_much_is_refused(db: MySqlPool) {
    let (stack, acme) = stack(db).await;
    let client = stack.api().await.anonymous();
    let token = acme.token("alice").await;
    let mut claims = acme.claims("alice");
    claims["nonce"] = json!("one");
    let with_nonce = acme.sign(claims, json!({}), "provider").await;
    let body = |provider: &str, token: &str| json!({ "provider": provider, "idToken": token });
    let nonce =
        |token: &str, nonce: &str| json!({ "provider": "acme", "idToken": token, "nonce": nonce });
    let hashed = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    for (request, status, code) in [
        (body("nobody", &token), 422, "provider_unknown"),
        (body("", &token), 422, "provider_unknown"),
        (body("acme", &"x".repeat(17_000)), 422, "validation_failed"),
        (json!({ "provider": "acme" }), 422, "validation_failed"),
        (json!({ "idToken": token }), 422, "validation_failed"),
        (json!({ "provider": "acme", "idToken": token, "admin": true }), 422, "validation_failed"),
        (nonce(&with_nonce, "two"), 401, "credential_invalid"),
        (nonce(&with_nonce, ""), 401, "credential_invalid"),
        (nonce(&with_nonce, hashed), 401, "credential_invalid"),
        (nonce(&token, "one"), 401, "credential_invalid"),
    ] {
        let answer = client.post("/v1/sessions", request.clone()).await;
        let (found, named, _) = problem_of(&answer);
        assert_eq!((found, named.as_str()), (status, code), "{request}");
    }
    assert_eq!(client.post("/v1/sessions", nonce(&with_nonce, "one")).await.status, 201);
    assert_eq!(client.post("/v1/sessions", body("ACME", &token)).await.status, 201);
    // A guest's token that does not count is not passed over: the history would be lost.
    let expired = with(&client, json!({ "accessToken": "expired" }));
    assert_eq!(problem_of(&post(&expired, &token).await).1, "unauthenticated");
    let limited =
        stack.with("SIGN_IN_PER_MINUTE", "1").with("REDIS_PREFIX", "limited:").api().await;
    post(&limited.anonymous(), &token).await;
    assert_eq!(problem_of(&post(&limited.anonymous(), &token).await).1, "rate_limited");
}
