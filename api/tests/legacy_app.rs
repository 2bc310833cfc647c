//! The legacy mobile endpoints: the same jobs, in an older dialect.

mod chats;
mod feeds;
mod profiles;

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use time::OffsetDateTime;
use toneup_api::app::ApiConfig;
use toneup_api::features::accounts::Tokens;
use toneup_api::http::identity::{Caller, SessionId};
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::JobId;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_platform::config::Settings;
use toneup_platform::identity::UserId;
use toneup_testing::{Answer, Client, Stack, end_analyses, eventually, photo, season};

const ENDPOINT: &str = "/api/personalcolor";
const TEST_ENDPOINT: &str = "/api/personalcolortest";

fn send_photo(client: &Client, path: &str, photo: Vec<u8>) -> RequestBuilder {
    let part = Part::bytes(photo).file_name("image.jpg").mime_str("image/jpeg").unwrap();
    client.request(Method::POST, path).multipart(Form::new().part("image", part))
}

/// A stack whose api has no Redis: the tests end analyses in the database, where nobody sends a hint, so that waiting
/// requests must look by themselves, and do so more often.
async fn unhinted(db: MySqlPool) -> Stack {
    Stack::new(db).await.with("REDIS_URL", "redis://127.0.0.1:1/0")
}

/// Waits until so many analyses run, and ends them all.
async fn end(db: &MySqlPool, count: usize, outcome: Outcome) {
    let running = eventually("the analyses are there", async || {
        let running: Vec<(JobId, UserId)> =
            sqlx::query_as("SELECT id, user_id FROM jobs WHERE finished_at IS NULL")
                .fetch_all(db)
                .await
                .unwrap();
        (running.len() >= count).then_some(running)
    })
    .await;
    assert_eq!(running.len(), count);
    for (id, user) in running {
        end_analyses(db, user, &[id], &outcome).await;
    }
}

fn autumn() -> Outcome {
    season(PersonalColor::Autumn)
}

/// Returns the status and code that the app reads of an error.
fn failure(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
    let body = &answer.body;
    assert_eq!((&body["success"], &body["code"]), (&json!(false), &json!(answer.status.as_u16())));
    assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer:?}");
    assert_eq!(body.as_object().unwrap().len(), 4, "nothing else: {body}");
    (answer.status.as_u16(), body["errorCode"].as_str().unwrap())
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_reads_its_season_in_both_spellings(db: MySqlPool) {
    let stack = unhinted(db).await;
    let guest = stack.api().await.guest().await;
    let request = send_photo(&guest, ENDPOINT, photo("face.jpg"));
    let (answer, ()) = futures_util::join!(guest.send(request), end(&stack.pool, 1, autumn()));
    assert_eq!(answer.status, 200);
    let season = json!({ "personalColor": "AUTUMN", "PersonalColor": "AUTUMN" });
    let expected = json!({ "success": true, "code": 200, "message": "Ok", "data": season });
    assert_eq!(answer.body, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_endpoint_without_a_token_is_there_only_where_it_is_wanted(db: MySqlPool) {
    let stack = unhinted(db).await;
    let closed = stack.api().await.anonymous();
    let answer = closed.send(send_photo(&closed, TEST_ENDPOINT, photo("face.jpg"))).await;
    assert_eq!(failure(&answer), (404, "NOT_FOUND"));

    let open = stack.with("APP_TEST_DOOR", "true");
    let client = open.api().await.anonymous();
    let twice = (0..2).map(|_| client.send(send_photo(&client, TEST_ENDPOINT, photo("face.jpg"))));
    // A load test measures the analyzer: the same photo twice is two jobs.
    let (answers, ()) =
        futures_util::join!(futures_util::future::join_all(twice), end(&open.pool, 2, autumn()));
    let expected = json!({ "success": true, "code": 0, "message": "Ok", "data": "AUTUMN" });
    assert!(answers.iter().all(|one| one.status == 200 && one.body == expected), "{answers:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_that_shows_no_face_is_an_error_with_its_code(db: MySqlPool) {
    let stack = unhinted(db).await;
    let guest = stack.api().await.guest().await;
    let no_face = Outcome::Failed(JobError::permanent("NO_FACE", "No face was found."));
    let later = Outcome::Failed(JobError::retryable("ANALYZER_FAILED", "Try again."));
    for (outcome, expected) in [(no_face, (422, "NO_FACE")), (later, (503, "ANALYZER_FAILED"))] {
        let request = send_photo(&guest, ENDPOINT, photo("no-face.jpg"));
        let (answer, ()) = futures_util::join!(guest.send(request), end(&stack.pool, 1, outcome));
        assert_eq!(failure(&answer), expected);
    }
}

/// Sends the photo in, without waiting; answers the analysis that it became.
async fn submit(client: &Client) -> Value {
    let answer = client.send(send_photo(client, "/v1/analyses", photo("face.jpg"))).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.body
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_sent_again_attaches_to_the_running_job(db: MySqlPool) {
    let stack = unhinted(db).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let (first, other) = (submit(&alice).await, submit(&bob).await);
    assert_ne!(first["id"], other["id"], "another user's is another job");
    assert_eq!(submit(&alice).await["id"], first["id"]);
    end(&stack.pool, 2, autumn()).await;
    assert_ne!(submit(&alice).await["id"], first["id"], "it runs no longer");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_that_goes_away_leaves_its_job_running(db: MySqlPool) {
    let stack = unhinted(db).await;
    let guest = stack.api().await.guest().await;
    let request = send_photo(&guest, ENDPOINT, photo("face.jpg"));
    let left = tokio::select! {
        answer = guest.send(request) => panic!("nobody has ended it: {answer:?}"),
        left = eventually("the analysis is there", async || {
            guest.get("/v1/analyses").await.body["items"].get(0).cloned()
        }) => left,
    };
    let again = submit(&guest).await;
    assert_eq!((&again["id"], &again["status"]), (&left["id"], &json!("queued")));
}

#[sqlx::test(migrations = "../migrations")]
async fn everything_under_api_speaks_the_apps_dialect(db: MySqlPool) {
    let stack = unhinted(db).await;
    let api = stack.api().await;
    let (guest, anonymous) = (api.guest().await, api.anonymous());
    for path in ["/api", "/api/", "/api/nothing", "/api/personalcolor/more"] {
        assert_eq!(failure(&guest.get(path).await), (404, "NOT_FOUND"), "{path}");
    }
    let wrong = guest.get(ENDPOINT).await;
    assert_eq!(failure(&wrong), (405, "METHOD_NOT_ALLOWED"));
    assert!(wrong.header("allow").contains("POST"));
    let answer = anonymous.send(send_photo(&anonymous, ENDPOINT, photo("face.jpg"))).await;
    assert_eq!(failure(&answer), (401, "UNAUTHENTICATED"));
    let text = guest.send(send_photo(&guest, ENDPOINT, b"plain text".to_vec())).await;
    assert_eq!(failure(&text), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let large = guest.send(send_photo(&guest, ENDPOINT, vec![0xff; 10 * 1024 * 1024 + 1])).await;
    assert_eq!(failure(&large), (413, "TOO_LARGE"));
    let empty = guest.request(Method::POST, ENDPOINT).multipart(Form::new().text("file", "x"));
    assert_eq!(failure(&guest.send(empty).await), (422, "VALIDATION_FAILED"));
    let no_form = guest.post(ENDPOINT, json!({ "objectKey": guest.unused_key() })).await;
    assert_eq!(failure(&no_form), (400, "MALFORMED"));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_expired_token_is_named_as_the_app_knows_it(db: MySqlPool) {
    let stack = unhinted(db).await;
    let mut guest = stack.api().await.guest().await;
    let settings = Settings::from_vars(stack.environment().clone());
    let tokens = Tokens::new(&ApiConfig::load(&settings).unwrap().features.accounts);
    let user = UserId(guest.user().parse().unwrap());
    let long_ago = OffsetDateTime::now_utc() - Duration::from_hours(1);
    let session = SessionId(guest.session["sessionId"].as_str().unwrap().parse().unwrap());
    guest.session["accessToken"] = tokens.issue(Caller { user, session }, long_ago).unwrap().into();
    let answer = guest.send(send_photo(&guest, ENDPOINT, photo("face.jpg"))).await;
    assert_eq!(failure(&answer), (401, "TOKEN_EXPIRED"));
    let elsewhere = guest.get("/v1/analyses").await;
    assert_eq!(elsewhere.body["code"], "unauthenticated", "one word for both under /v1");
}

#[sqlx::test(migrations = "../migrations")]
async fn while_the_database_is_away_the_app_is_told_in_its_words(db: MySqlPool) {
    let stack = unhinted(db).await;
    let session = stack.api().await.guest().await.session.clone();
    let away = stack.with("DATABASE_URL", "mysql://127.0.0.1:1/none").api().await;
    let mut guest = away.anonymous();
    guest.session = session;
    let answer = guest.send(send_photo(&guest, ENDPOINT, photo("face.jpg"))).await;
    assert_eq!(failure(&answer), (503, "UNAVAILABLE"));
    assert_eq!(answer.header("retry-after"), "2");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_uploads_by_file_names(db: MySqlPool) {
    let stack = unhinted(db).await;
    let guest = stack.api().await.guest().await;
    let path = "/api/uploads/presigned-urls";
    let answer = guest.post(path, json!({ "fileNames": ["a.jpg", "b.HEIC"] })).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (200, &json!(200)), "{answer:?}");
    let files = answer.body["data"]["files"].as_array().unwrap();
    let names: Vec<&Value> = files.iter().map(|file| &file["fileName"]).collect();
    assert_eq!(names, ["a.jpg", "b.HEIC"]);
    let prefix = format!("/u/{}/", guest.user());
    for file in files {
        let (upload, address) =
            (file["uploadUrl"].as_str().unwrap(), file["fileUrl"].as_str().unwrap());
        assert!(upload.starts_with(address) && address.contains(&prefix), "{file}");
        // Whatever type and size the app sends.
        let upload = json!({ "url": upload, "headers": {} });
        assert_eq!(guest.put(&upload, "image/jpeg", b"photo".to_vec()).await, 200);
    }
    let key = files[0]["fileUrl"].as_str().unwrap().split_once("/u/").unwrap().1;
    assert_eq!(stack.objects().get(&format!("u/{key}"), 100).await.unwrap(), "photo");

    let many: Vec<String> = (0..21).map(|n| format!("{n}.jpg")).collect();
    for names in [json!([]), json!(["a.gif"]), json!(["a.jpg", 5]), json!(many)] {
        let refused = guest.post(path, json!({ "fileNames": names })).await;
        assert_eq!(failure(&refused), (422, "VALIDATION_FAILED"), "{names}");
    }
}
