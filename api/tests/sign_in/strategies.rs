//! The providers that differ, against doubles that check what the real ones check.

use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Running, Stack, eventually, problem_of};
use url::Url;

use super::{PAGE, with};
use crate::double::Double;

/// Begins at our page; returns the provider's URL and the cookie.
async fn begin(api: &Running, provider: &str) -> (Url, String) {
    let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let response = http.get(format!("{}/v1/sign-in/{provider}", api.url)).send().await.unwrap();
    let headers = response.headers();
    let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    (headers["location"].to_str().unwrap().parse().unwrap(), cookie)
}

/// Comes back; returns where to, and the session if there is one.
async fn arrive(
    api: &Running,
    provider: &str,
    cookie: &str,
    form: &Value,
    posts: bool,
) -> (String, Value) {
    let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let url = format!("{}/v1/sign-in/{provider}/callback", api.url);
    let request = if posts {
        http.post(url).form(form)
    } else {
        let pairs = form.as_object().unwrap().iter();
        let pairs = pairs.map(|(name, value)| (name, value.as_str().unwrap()));
        http.get(Url::parse_with_params(&url, pairs).unwrap())
    };
    let response = request.header("cookie", cookie).send().await.unwrap();
    let to = response.headers()["location"].to_str().unwrap().to_owned();
    let cookies = response.headers().get_all("set-cookie").iter();
    let session = cookies
        .map(|cookie| cookie.to_str().unwrap())
        .find(|cookie| cookie.contains("toneup_session"));
    let Some(session) = session else { return (to, Value::Null) };
    let fetch = http.post(format!("{}/v1/sign-in/session", api.url));
    let fetched = fetch.header("cookie", session.split(';').next().unwrap()).send().await.unwrap();
    (to, fetched.json().await.unwrap())
}

async fn nickname(db: &MySqlPool, session: &Value) -> String {
    let user = uuid::Uuid::parse_str(session["userId"].as_str().unwrap()).unwrap();
    let select = sqlx::query_scalar("SELECT nickname FROM users WHERE id = ?").bind(user);
    select.fetch_one(db).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn apple_posts_back_wants_a_signed_secret_and_says_the_name_once(db: MySqlPool) {
    let callback = format!("{PAGE}/v1/sign-in/apple/callback");
    let apple = Double::start("apple.mjs", &[&callback, "com.example.web"]).await;
    let pem = apple.get("/private-key").await["pem"].as_str().unwrap().replace('\n', "\\n");
    let settings = |key_id: &str| {
        format!(
            "apple = {{ issuer = '{}', client_id = 'com.example.web', audiences = ['com.example.app'], \
             team_id = 'TEAM', key_id = '{key_id}', private_key = '{pem}', revoke_url = '{}/auth/revoke' }}",
            apple.url, apple.url
        )
    };
    let stack = Stack::new(db.clone()).await.with("PAGE_ORIGIN", PAGE);
    let stack = stack.with("SIGN_IN_PROVIDERS", settings("KEY"));
    let api = stack.api().await;
    let mut sessions = Vec::new();
    for is_first in [true, false] {
        let (url, cookie) = begin(&api, "apple").await;
        let form = apple.get(&format!("/auth/authorize?{}", url.query().unwrap())).await;
        assert_eq!(form["user"].is_string(), is_first, "{form}");
        let (to, session) = arrive(&api, "apple", &cookie, &form, true).await;
        assert_eq!(to, "/#signed-in");
        sessions.push(session);
    }
    assert_eq!(sessions[0]["userId"], sessions[1]["userId"]);
    assert_eq!(nickname(&db, &sessions[0]).await, "MinaKim");
    // The app has another audience, and hashes its nonce.
    let hashed = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    let native = format!("/native?sub=001.apple&aud=com.example.app&nonce={hashed}");
    let token = apple.get(&native).await["token"].clone();
    let body = json!({ "provider": "apple", "idToken": token, "nonce": "one" });
    let posted = api.anonymous().post("/v1/sessions", body).await;
    assert_eq!(posted.body["userId"], sessions[0]["userId"], "{posted:?}");
    // A secret of another key.
    let api = stack.with("SIGN_IN_PROVIDERS", settings("OLD")).api().await;
    let (url, cookie) = begin(&api, "apple").await;
    let form = apple.get(&format!("/auth/authorize?{}", url.query().unwrap())).await;
    let (to, _) = arrive(&api, "apple", &cookie, &form, true).await;
    assert_eq!(to, "/#sign-in-failed=refused");
}

#[sqlx::test(migrations = "../migrations")]
async fn apple_is_told_when_an_account_is_deleted(db: MySqlPool) {
    let callback = format!("{PAGE}/v1/sign-in/apple/callback");
    let apple = Double::start("apple.mjs", &[&callback, "com.example.web"]).await;
    let pem = apple.get("/private-key").await["pem"].as_str().unwrap().replace('\n', "\\n");
    let settings = format!(
        "apple = {{ issuer = '{0}', client_id = 'com.example.web', team_id = 'TEAM', key_id = 'KEY', \
         private_key = '{pem}', revoke_url = '{0}/auth/revoke' }}",
        apple.url
    );
    let stack = Stack::new(db.clone()).await.with("PAGE_ORIGIN", PAGE);
    let stack = stack.with("SIGN_IN_PROVIDERS", settings);
    let (api, _worker) = (stack.api().await, stack.worker());
    let (url, cookie) = begin(&api, "apple").await;
    let form = apple.get(&format!("/auth/authorize?{}", url.query().unwrap())).await;
    let (_, session) = arrive(&api, "apple", &cookie, &form, true).await;
    assert_eq!(apple.get("/consents").await["subjects"], json!(["001.apple"]));
    let kept: String =
        sqlx::query_scalar("SELECT token FROM sign_in_grants").fetch_one(&db).await.unwrap();
    assert!(!kept.contains("r."), "it is encrypted: {kept}");

    let client = with(&api.anonymous(), session);
    let deleted = client.send(client.request(Method::DELETE, "/v1/me")).await;
    assert!(deleted.status.is_success(), "{deleted:?}");
    eventually("the consent to be taken back", async || {
        let left = apple.get("/consents").await["subjects"].clone();
        (left == json!([])).then_some(())
    })
    .await;
    eventually("the grant to be forgotten", async || {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM sign_in_grants").fetch_one(&db).await.unwrap();
        (count == 0).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn naver_has_a_profile_of_its_own_and_no_token_that_can_be_posted(db: MySqlPool) {
    let callback = format!("{PAGE}/v1/sign-in/naver/callback");
    let naver = Double::start("naver.mjs", &[&callback, "id", "a secret"]).await;
    let settings = |secret: &str| {
        let url = &naver.url;
        format!(
            "naver = {{ client_id = 'id', client_secret = '{secret}', authorize_url = '{url}/oauth2.0/authorize', \
             token_url = '{url}/oauth2.0/token', profile_url = '{url}/v1/nid/me' }}"
        )
    };
    let stack = Stack::new(db.clone()).await.with("PAGE_ORIGIN", PAGE);
    let stack = stack.with("SIGN_IN_PROVIDERS", settings("a secret"));
    let api = stack.api().await;
    let (url, cookie) = begin(&api, "naver").await;
    let back = naver.get(&format!("/oauth2.0/authorize?{}", url.query().unwrap())).await;
    let (to, session) = arrive(&api, "naver", &cookie, &back, false).await;
    assert_eq!(to, "/#signed-in");
    assert_eq!(nickname(&db, &session).await, "봄날의산책");
    assert_eq!(with(&api.anonymous(), session).get("/v1/analyses").await.status, 200);
    // Errors come with status 200: a code that was used, a secret that is not ours.
    let (to, _) = arrive(&api, "naver", &cookie, &back, false).await;
    assert_eq!(to, "/#sign-in-failed=refused");
    let body = json!({ "provider": "NAVER", "idToken": "an access token" });
    let posted = api.anonymous().post("/v1/sessions", body).await;
    assert_eq!(problem_of(&posted).1, "provider_needs_browser");
    let api = stack.with("SIGN_IN_PROVIDERS", settings("another")).api().await;
    let (url, cookie) = begin(&api, "naver").await;
    let back = naver.get(&format!("/oauth2.0/authorize?{}", url.query().unwrap())).await;
    let (to, _) = arrive(&api, "naver", &cookie, &back, false).await;
    assert_eq!(to, "/#sign-in-failed=refused");
}
