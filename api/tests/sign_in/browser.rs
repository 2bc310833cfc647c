//! The code flow: through the provider's own pages, with a browser's cookies.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Running, problem_of};
use url::Url;

use super::{PAGE, post, stack, with};

/// A browser, as far as it has cookies and follows redirects.
#[derive(Clone)]
struct Browser {
    http: reqwest::Client,
    api: String,
    /// By host and name.
    cookies: BTreeMap<(String, String), String>,
    /// The cookies that the API set last, as it set them.
    set: Vec<String>,
}

/// Response to a page request.
struct Page {
    status: StatusCode,
    location: Option<String>,
    text: String,
}

/// Method by which the provider sends the browser back.
#[derive(Debug, Clone)]
enum Back {
    Redirect(Url),
    Form(Url, Vec<(String, String)>),
}

impl Back {
    fn parameter(&self, name: &str) -> String {
        let pairs = match self {
            Self::Redirect(url) => url.query_pairs().into_owned().collect(),
            Self::Form(_, fields) => fields.clone(),
        };
        pairs.into_iter().find(|(key, _)| key == name).unwrap().1
    }

    /// The same, with another value or without.
    fn changed(&self, name: &str, value: Option<&str>) -> Self {
        let Self::Redirect(url) = self else { panic!("a redirect") };
        let others: Vec<(String, String)> =
            url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
        let mut url = url.clone();
        let mut query = url.query_pairs_mut();
        query.clear().extend_pairs(others).extend_pairs(value.map(|value| (name, value)));
        drop(query);
        Self::Redirect(url)
    }
}

impl Browser {
    fn new(api: &Running) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        let http = http.build().unwrap();
        Self { http, api: api.url.clone(), cookies: BTreeMap::new(), set: Vec::new() }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let mut request = request.build().unwrap();
        let host = request.url().authority().to_owned();
        let mine = self.cookies.iter().filter(|((at, _), _)| *at == host);
        let line: Vec<String> = mine.map(|((_, name), value)| format!("{name}={value}")).collect();
        request.headers_mut().insert(COOKIE, line.join("; ").parse().unwrap());
        let response = self.http.execute(request).await.unwrap();
        if self.api.ends_with(&host) {
            self.set.clear();
        }
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let key = (host.clone(), name.to_owned());
            if value.is_empty() || cookie.contains("Max-Age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
            if self.api.ends_with(&host) {
                self.set.push(cookie.to_owned());
            }
        }
        let location = response.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
        Page { status: response.status(), location, text: response.text().await.unwrap() }
    }

    async fn get(&mut self, url: &str) -> Page {
        self.send(self.http.get(url)).await
    }

    /// Begins at our page; returns the provider's.
    async fn begin(&mut self, provider: &str) -> String {
        let page = self.get(&format!("{}/v1/sign-in/{provider}?returnTo=/me", self.api)).await;
        assert_eq!(page.status, 303, "{}", page.text);
        page.location.unwrap()
    }

    /// Goes through the provider's pages as somebody.
    async fn consent(&mut self, url: &str, login: &str) -> Back {
        let mut at: Url = url.parse().unwrap();
        for _ in 0..12 {
            let page = self.get(at.as_str()).await;
            let next = match page.location {
                Some(location) => location,
                None => match self.answer_form(&page, &at, login).await {
                    Ok(back) => return back,
                    Err(location) => location,
                },
            };
            at = at.join(&next).unwrap();
            if at.as_str().starts_with(PAGE) {
                return Back::Redirect(at);
            }
        }
        panic!("the provider goes round in circles: {at}");
    }

    async fn answer_form(&mut self, page: &Page, at: &Url, login: &str) -> Result<Back, String> {
        let action = attribute(&page.text, "action").unwrap_or_else(|| panic!("{}", page.text));
        let action = at.join(&action).unwrap();
        if action.as_str().starts_with(PAGE) {
            let fields = page.text.split("<input").skip(1);
            let field = |text| Some((attribute(text, "name")?, attribute(text, "value")?));
            return Ok(Back::Form(action, fields.filter_map(field).collect()));
        }
        let is_login = page.text.contains("name=\"login\"");
        let fields = if is_login {
            vec![("prompt", "login"), ("login", login), ("password", "x")]
        } else {
            vec![("prompt", "consent")]
        };
        let answered = self.send(self.http.post(action.as_str()).form(&fields)).await;
        Err(answered.location.unwrap_or_else(|| panic!("{}", answered.text)))
    }

    /// Comes back to our page; returns where that sends it.
    async fn arrive(&mut self, back: &Back) -> String {
        let here = |url: &Url| url.as_str().replace(PAGE, &self.api);
        let request = match back {
            Back::Redirect(url) => self.http.get(here(url)),
            Back::Form(url, fields) => self.http.post(here(url)).form(fields),
        };
        let page = self.send(request).await;
        assert_eq!(page.status, 303, "{}", page.text);
        page.location.unwrap()
    }

    /// Fetches the session, as the page does.
    async fn session(&mut self) -> (StatusCode, Value) {
        let page = self.send(self.http.post(format!("{}/v1/sign-in/session", self.api))).await;
        (page.status, serde_json::from_str(&page.text).unwrap())
    }
}

fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("{name}=\""))?;
    Some(
        rest.split_once('"')?.0.replace("&amp;", "&").replace("&#x2F;", "/").replace("&#x3D;", "="),
    )
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_signs_in_through_the_providers_pages(db: MySqlPool) {
    let (stack, acme) = stack(db).await;
    let api = stack.api().await;
    let providers = api.anonymous().get("/v1/sign-in/providers").await.body;
    assert_eq!(providers["items"][0], json!({ "name": "acme", "title": "Acme" }));
    let posted = post(&api.anonymous(), &acme.token("alice").await).await.body;
    for (provider, same_site) in [("acme", "SameSite=Lax"), ("poster", "SameSite=None; Secure")] {
        let mut browser = Browser::new(&api);
        let url = browser.begin(provider).await;
        let query: BTreeMap<_, _> =
            url.parse::<Url>().unwrap().query_pairs().into_owned().collect();
        assert_eq!((&*query["response_type"], &*query["code_challenge_method"]), ("code", "S256"));
        assert_eq!(query["redirect_uri"], format!("{PAGE}/v1/sign-in/{provider}/callback"));
        assert!(browser.set[0].contains("HttpOnly") && browser.set[0].contains(same_site));
        let hidden = query["state"].clone() + &query["nonce"];
        assert!(browser.cookies.values().all(|value| !hidden.contains(value.as_str())));

        let back = browser.consent(&url, "alice").await;
        assert_eq!(matches!(back, Back::Form(..)), provider == "poster");
        assert_eq!(browser.arrive(&back).await, "/me#signed-in");
        assert!(browser.set.iter().any(|cookie| cookie.contains("SameSite=Strict")));
        let attempt = browser.clone();
        let (status, session) = browser.session().await;
        assert_eq!(status, 200, "{session}");
        // The answer may be lost: the same again.
        let (_, again) = attempt.clone().session().await;
        assert_eq!(again["refreshToken"], session["refreshToken"]);
        assert_eq!(browser.session().await.0, 401, "the cookie is gone");
        let client = with(&api.anonymous(), session);
        let sessions = client.get("/v1/sessions").await.body["items"].clone();
        let current = sessions.as_array().unwrap().iter().filter(|one| one["current"] == true);
        assert_eq!(current.count(), 1, "{sessions}");
        let same = client.session["userId"] == posted["userId"];
        assert_eq!(same, provider == "acme", "the same subject of the same provider alone");
        client.send(client.request(Method::DELETE, "/v1/sessions")).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_guest_keeps_the_history_and_a_member_links_in_the_browser(db: MySqlPool) {
    let (stack, _acme) = stack(db).await;
    let api = stack.api().await;
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await["id"].clone();
    let start = async |browser: &mut Browser, session: &Value, body: Value| {
        let request = browser.http.post(format!("{}/v1/sign-in/acme", browser.api)).json(&body);
        let token = session["accessToken"].as_str().unwrap_or_default();
        let page = browser.send(request.bearer_auth(token)).await;
        let body: Value = serde_json::from_str(&page.text).unwrap();
        (page.status.as_u16(), body)
    };
    let mut browser = Browser::new(&api);
    let (_, started) = start(&mut browser, &guest.session, json!({})).await;
    let back = browser.consent(started["url"].as_str().unwrap(), "alice").await;
    assert_eq!(browser.arrive(&back).await, "/#signed-in");
    let member = with(&guest, browser.session().await.1);
    assert_eq!(member.session["userId"], guest.session["userId"]);
    assert_eq!(member.get("/v1/analyses").await.body["items"][0]["id"], analysis);

    let link = json!({ "link": true, "returnTo": "/account" });
    let mut browser = Browser::new(&api);
    let (_, started) = start(&mut browser, &member.session, link.clone()).await;
    let back = browser.consent(started["url"].as_str().unwrap(), "alice-at-work").await;
    assert_eq!(browser.arrive(&back).await, "/account#linked");
    assert_eq!(member.get("/v1/identities").await.body["items"].as_array().unwrap().len(), 2);
    let other = api.guest().await;
    let mut browser = Browser::new(&api);
    let (_, started) = start(&mut browser, &other.session, link.clone()).await;
    let back = browser.consent(started["url"].as_str().unwrap(), "alice").await;
    assert_eq!(browser.arrive(&back).await, "/account#sign-in-failed=taken");
    let anonymous = api.anonymous().post("/v1/sign-in/acme", link).await;
    assert_eq!(problem_of(&anonymous).1, "unauthenticated");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_that_was_not_asked_for_by_this_browser_opens_nothing(db: MySqlPool) {
    let (stack, _acme) = stack(db.clone()).await;
    let api = stack.api().await;
    let mut browser = Browser::new(&api);
    let url = browser.begin("acme").await;
    let back = browser.consent(&url, "alice").await;
    let mut other = Browser::new(&api);
    let others = other.begin("acme").await;
    let others = other.consent(&others, "mallory").await;
    let mut elsewhere = Browser::new(&api);
    elsewhere.begin("poster").await;
    let twice = Back::Redirect(
        format!("{}&code=x", {
            let Back::Redirect(url) = &back else { panic!("a redirect") };
            url
        })
        .parse()
        .unwrap(),
    );
    let (foreign_state, foreign_code) = (others.parameter("state"), others.parameter("code"));
    let failed = |reason: &str| format!("/me#sign-in-failed={reason}");
    for (what, mut browser, back, expected) in [
        ("no cookie", Browser::new(&api), back.clone(), "/#sign-in-failed=expired".to_owned()),
        ("another browser", other.clone(), back.clone(), failed("expired")),
        (
            "another provider's attempt",
            elsewhere,
            back.clone(),
            "/#sign-in-failed=expired".to_owned(),
        ),
        (
            "a foreign state",
            browser.clone(),
            back.changed("state", Some(&foreign_state)),
            failed("expired"),
        ),
        ("no state", browser.clone(), back.changed("state", None), failed("expired")),
        ("a parameter twice", browser.clone(), twice, failed("refused")),
        ("no code", browser.clone(), back.changed("code", None), failed("refused")),
        ("a made-up code", browser.clone(), back.changed("code", Some("x")), failed("refused")),
        (
            "a foreign code, of another verifier",
            browser.clone(),
            back.changed("code", Some(&foreign_code)),
            failed("refused"),
        ),
        (
            "another issuer",
            browser.clone(),
            back.changed("iss", Some("https://evil.example")),
            failed("refused"),
        ),
        (
            "a refusal of the person",
            browser.clone(),
            back.changed("error", Some("access_denied")),
            failed("cancelled"),
        ),
        (
            "an error",
            browser.clone(),
            back.changed("error", Some("server_error")),
            failed("refused"),
        ),
    ] {
        assert_eq!(browser.arrive(&back).await, expected, "{what}");
        let (status, problem) = browser.session().await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (401, &json!("credential_invalid")),
            "{what}"
        );
    }
    let people: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(&db).await.unwrap();
    assert_eq!(people, 0);
    let before = browser.clone();
    assert_eq!(browser.arrive(&back).await, "/me#signed-in", "the good one");
    assert_eq!(before.clone().arrive(&back).await, failed("refused"), "a code that was used");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_id_token_that_does_not_fit_the_attempt_opens_nothing(db: MySqlPool) {
    let (stack, acme) = stack(db.clone()).await;
    let api = stack.api().await;
    for tampering in [
        json!({ "claims": { "nonce": "of another attempt" } }),
        json!({ "without": ["nonce"] }),
        json!({ "claims": { "aud": "stranger" } }),
        json!({ "claims": { "aud": "ios" } }),
        json!({ "claims": { "azp": "stranger" } }),
        json!({ "claims": { "iss": "https://evil.example" } }),
        json!({ "claims": { "exp": 1_000_000_000 } }),
        json!({ "claims": { "at_hash": "b3RoZXIgYWNjZXNzIHRva2Vu" } }),
        json!({ "key": "stranger" }),
        json!({ "key": "none" }),
        json!({ "key": "hmac" }),
    ] {
        let mut browser = Browser::new(&api);
        let url = browser.begin("acme").await;
        let back = browser.consent(&url, "alice").await;
        acme.0.post("/tamper", tampering.clone()).await;
        assert_eq!(browser.arrive(&back).await, "/me#sign-in-failed=refused", "{tampering}");
        assert_eq!(browser.session().await.0, 401);
    }
    let people: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(&db).await.unwrap();
    assert_eq!(people, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_sent_to_another_site(db: MySqlPool) {
    let (stack, _acme) = stack(db).await;
    let client = stack.api().await.anonymous();
    for wanted in ["https://evil.example/", "//evil.example", "/%5Cevil.example", "x", "/a%0d%0ab"]
    {
        let answer = client.get(&format!("/v1/sign-in/acme?returnTo={wanted}")).await;
        assert_eq!(
            problem_of(&answer),
            (422, "validation_failed".to_owned(), vec!["returnTo".to_owned()])
        );
    }
    assert_eq!(problem_of(&client.get("/v1/sign-in/nobody").await).1, "provider_unknown");
}
