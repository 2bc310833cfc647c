//! Requests as clients really send them: with marks, in several lines, compressed, twice, or with a member more.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toneup_jobs::job::JobId;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_platform::identity::UserId;
use toneup_testing::{Answer, Client, Stack, end_analyses, photo, problem_of};

fn refused(fields: &[&str]) -> (u16, String, Vec<String>) {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    (422, "validation_failed".to_owned(), fields)
}

async fn post_text(client: &Client, path: &str, body: impl Into<String>) -> Answer {
    let request = client.request(Method::POST, path).header("content-type", "application/json");
    client.send(request.body(body.into())).await
}

/// Ends an analysis as a worker would.
async fn end(db: &MySqlPool, client: &Client, analysis: &Value) {
    let user = UserId(client.user().parse().unwrap());
    let ids = [JobId(analysis["id"].as_str().unwrap().parse().unwrap())];
    let error = JobError::permanent("NO_FACE", "No face was found.");
    assert!(end_analyses(db, user, &ids, &Outcome::Failed(error)).await[0].is_some());
}

fn path(analysis: &Value, rest: &str) -> String {
    format!("/v1/analyses/{}{rest}", analysis["id"].as_str().unwrap())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_is_one_json_text_and_nothing_after_it(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let good = json!({ "contentType": "image/jpeg", "contentLength": 5 }).to_string();
    for rest in ["x", "{}", ",", "\0"] {
        let answer = post_text(&guest, "/v1/uploads", format!("{good}{rest}")).await;
        assert_eq!(problem_of(&answer), (400, "malformed".to_owned(), vec![]), "{rest}");
    }
    for body in [format!("{good}\r\n"), format!("\u{feff}{good}")] {
        assert_eq!(post_text(&guest, "/v1/uploads", body).await.status, 201);
    }
    let refresh = json!({ "refreshToken": guest.session["refreshToken"], "device": "x" });
    assert_eq!(problem_of(&guest.post("/v1/sessions/refresh", refresh).await).0, 422);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_compressed_body_is_refused_as_such(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    for coding in ["gzip", "br", "identity, gzip"] {
        let form = Form::new().part("image", Part::bytes(photo("face.jpg")));
        let form = guest.request(Method::POST, "/v1/analyses").multipart(form);
        let text = guest.request(Method::POST, "/v1/analyses").json(&json!({}));
        for request in [form, text] {
            let answer = guest.send(request.header("content-encoding", coding)).await;
            assert_eq!(problem_of(&answer), (415, "unsupported_media_type".to_owned(), vec![]));
            assert_eq!(answer.header("accept-encoding"), "identity");
            assert!(answer.body["detail"].as_str().unwrap().contains("Content-Encoding"));
        }
    }
    let plain = guest.request(Method::POST, "/v1/analyses").header("content-encoding", "Identity");
    let plain = guest.send(plain.json(&json!({ "objectKey": guest.unused_key() }))).await;
    assert_eq!(plain.status, 202);
}

#[sqlx::test(migrations = "../migrations")]
async fn of_two_values_neither_is_chosen(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let body = json!({ "objectKey": guest.unused_key() });
    let keys = guest.request(Method::POST, "/v1/analyses").json(&body);
    let keys = guest.send(keys.header("idempotency-key", "a").header("idempotency-key", "b")).await;
    assert_eq!(problem_of(&keys), refused(&["Idempotency-Key"]));
    let part = || Part::bytes(photo("face.jpg")).file_name("me.jpg");
    let submit = async |form: Form| {
        guest.send(guest.request(Method::POST, "/v1/analyses").multipart(form)).await
    };
    let notes = submit(Form::new().text("metadata", "{}").text("metadata", "{}")).await;
    assert_eq!(problem_of(&notes), refused(&["metadata"]));
    let soon = (OffsetDateTime::now_utc() + Duration::from_hours(1)).format(&Rfc3339).unwrap();
    let form = Form::new().text("deadline", soon.clone()).text("deadline", soon);
    assert_eq!(problem_of(&submit(form.part("image", part())).await), refused(&["deadline"]));
    let unknown = submit(Form::new().part("image", part()).text("colour", "red")).await;
    assert_eq!(problem_of(&unknown), refused(&["colour"]));
    let query = guest.get("/v1/analyses?limit=1&limit=2").await;
    assert_eq!(problem_of(&query), refused(&["limit"]));
    let seen = guest.request(Method::GET, "/v1/events");
    let seen = guest.send(seen.header("last-event-id", "1").header("last-event-id", "2")).await;
    assert_eq!(problem_of(&seen), refused(&["Last-Event-ID"]));
    let tokens = guest.request(Method::GET, "/v1/analyses").header("authorization", "Bearer x");
    assert_eq!(problem_of(&guest.send(tokens).await).1, "unauthenticated");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_repeated_submit_may_reckon_its_deadline_anew(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let in_minutes = |minutes: u64| {
        let time = OffsetDateTime::now_utc() + Duration::from_mins(minutes);
        time.format(&Rfc3339).unwrap()
    };
    let key = guest.unused_key();
    let submit = async |minutes: u64| {
        let body = json!({ "objectKey": key, "deadline": in_minutes(minutes) });
        let request = guest.request(Method::POST, "/v1/analyses").header("idempotency-key", "k");
        guest.send(request.json(&body)).await
    };
    let (first, again) = (submit(30).await, submit(40).await);
    assert_eq!((again.status.as_u16(), &again.body["id"]), (202, &first.body["id"]));
    assert_eq!(again.body["deadline"], first.body["deadline"], "the first request's");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tag_is_compared_weakly_by_star_and_in_its_language(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    let read = guest.get(&path(&analysis, "")).await;
    let tag = read.header("etag").to_owned();
    assert_eq!(read.header("vary"), "Accept-Language");
    let ask = async |rest: &str, tag: &str, language: &'static str| {
        let request = guest.request(Method::GET, &path(&analysis, rest));
        guest.send(request.header("if-none-match", tag).header("accept-language", language)).await
    };
    let strong = tag.trim_start_matches("W/").to_owned();
    for known in [&tag, &strong, "*", &format!("\"other\", {strong}")] {
        let unchanged = ask("", known, "en").await;
        assert_eq!((unchanged.status.as_u16(), unchanged.header("etag")), (304, &*tag), "{known}");
        assert_eq!(unchanged.header("vary"), "Accept-Language");
    }
    assert_eq!(ask("", &tag, "ko").await.status, 200, "other words");

    end(&stack.pool, &guest, &analysis).await;
    let tag = guest.get(&path(&analysis, "")).await.header("etag").to_owned();
    let begun = Instant::now();
    assert_eq!(ask("?wait=60", &tag, "en").await.status, 304);
    assert!(begun.elapsed() < Duration::from_secs(20), "nothing follows: answered at once");
}

#[sqlx::test(migrations = "../migrations")]
async fn tokens_and_results_stay_in_no_cache(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let session = api.anonymous().post("/v1/sessions/guest", json!({})).await;
    assert_eq!((session.status.as_u16(), session.header("cache-control")), (201, "no-store"));
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    let paths = [path(&analysis, ""), "/v1/analyses".into(), "/v1/webhooks".into()];
    for path in paths.iter().map(String::as_str).chain(["/v1/nothing", "/api/nothing"]) {
        assert_eq!(guest.get(path).await.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(guest.get("/assets/app.js").await.header("cache-control"), "no-cache");
}

#[sqlx::test(migrations = "../migrations")]
async fn several_lines_of_accept_are_one_list(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let mut lines = HeaderMap::new();
    lines.append("accept", HeaderValue::from_static("application/json"));
    lines.append("accept", HeaderValue::from_static("text/event-stream"));
    let request = guest.request(Method::GET, "/v1/events").headers(lines);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_end_that_is_not_kept_any_more_has_a_number_that_stops_the_client(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let old = guest.submit(&guest.unused_key()).await;
    end(&stack.pool, &guest, &old).await;
    let forget = "DELETE FROM events";
    sqlx::query(forget).execute(&stack.pool).await.unwrap();
    let new = guest.submit(&guest.unused_key()).await;
    end(&stack.pool, &guest, &new).await;

    let mut events = guest.events(&path(&old, "/events"), None).await;
    let (id, event) = events.next().await.unwrap();
    assert_eq!((id.as_str(), &event["status"]), ("1", &json!("failed")), "before the oldest kept");
    assert!(events.next().await.is_none());
    let again = guest.request(Method::GET, &path(&old, "/events")).header("last-event-id", id);
    assert_eq!(guest.send(again).await.status, 204);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_an_operator_replays_is_not_told_as_an_end(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    end(&stack.pool, &guest, &analysis).await;
    // As a replay does.
    let replay = "UPDATE jobs SET status = 'queued', finished_at = NULL, version = version + 1";
    sqlx::query(replay).execute(&stack.pool).await.unwrap();
    sqlx::query("DELETE FROM job_outcomes").execute(&stack.pool).await.unwrap();

    let mut events = guest.events("/v1/events", Some("0")).await;
    let (id, event) = events.next().await.unwrap();
    assert_eq!((id.as_str(), &event["status"]), ("0", &json!("queued")), "no number of its own");
    end(&stack.pool, &guest, &analysis).await;
    let (id, event) = events.find(|event| event["status"] != "queued").await;
    assert_eq!((id.as_str(), &event["status"]), ("2", &json!("failed")));
}
