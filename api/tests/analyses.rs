//! Submitting, reading and listing analyses.

use std::time::{Duration, Instant};

use insta::assert_json_snapshot;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_api::app::{ApiConfig, purge, purges};
use toneup_colour::photo::PHOTO_LIMIT_BYTES;
use toneup_jobs::job::JobId;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_platform::config::Settings;
use toneup_platform::identity::UserId;
use toneup_testing::{
    Answer, Client, JOBS_QUEUE, Stack, end_analyses, eventually, photo, problem_of,
};

/// Ends an analysis as a worker would.
async fn end(db: &MySqlPool, client: &Client, analysis: &Value) {
    let error = JobError::permanent("NO_FACE", "No face was found.");
    let user = UserId(client.user().parse().unwrap());
    let ids = [JobId(analysis["id"].as_str().unwrap().parse().unwrap())];
    let ended = end_analyses(db, user, &ids, &Outcome::Failed(error)).await;
    assert!(ended[0].is_some());
}

fn path(analysis: &Value) -> String {
    format!("/v1/analyses/{}", analysis["id"].as_str().unwrap())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_submit_is_durable_and_puts_one_message_in_the_queue(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let body = json!({ "objectKey": guest.unused_key() });
    let accepted = guest.post("/v1/analyses", body).await;

    assert_eq!(accepted.status, 202);
    assert_eq!(accepted.header("location"), path(&accepted.body));
    assert_eq!(accepted.header("retry-after"), "1");
    assert_json_snapshot!(accepted.body, { ".id" => "[id]", ".createdAt" => "[time]" }, @r#"
    {
      "advice": [],
      "attempt": 0,
      "createdAt": "[time]",
      "deadline": null,
      "error": null,
      "estimatedWaitSeconds": null,
      "finishedAt": null,
      "id": "[id]",
      "metadata": {},
      "queuePosition": null,
      "reasons": [],
      "result": null,
      "startedAt": null,
      "status": "queued",
      "version": 1
    }
    "#);
    let published = "SELECT COUNT(*) FROM jobs WHERE published_at IS NOT NULL";
    eventually("the publish is confirmed and noted", async || {
        let count: i64 = sqlx::query_scalar(published).fetch_one(&stack.pool).await.unwrap();
        (count == 1).then_some(())
    })
    .await;
    eventually("one message waits", async || {
        (stack.messages_in(JOBS_QUEUE).await? == 1).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_submit_is_accepted_while_the_broker_is_away(db: MySqlPool) {
    let stack = Stack::new(db).await.with("AMQP_URL", "amqp://127.0.0.1:1");
    let guest = stack.api().await.guest().await;
    guest.submit(&guest.unused_key()).await;
    let due: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM jobs WHERE publish_due < NOW(3) + INTERVAL 1 MINUTE",
    )
    .fetch_one(&stack.pool)
    .await
    .unwrap();
    assert_eq!(due, 1, "left to the sweep");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_queued_analysis_learns_its_place(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    guest.submit(&guest.unused_key()).await;
    let second = guest.submit(&guest.unused_key()).await;
    eventually("the place is known", async || {
        let read = guest.get(&path(&second)).await.body;
        (read["queuePosition"] == 2).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_idempotency_key_and_body_give_the_same_analysis(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let submit = async |key: &str, object: &str| {
        let request = guest.request(Method::POST, "/v1/analyses").header("idempotency-key", key);
        guest.send(request.json(&json!({ "objectKey": object }))).await
    };
    let object = guest.unused_key();
    let first = submit("one", &object).await;
    let again = submit("one", &object).await;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (202, &first.body["id"]));
    let other = submit("two", &object).await;
    assert_ne!(other.body["id"], first.body["id"]);

    let elsewhere = submit("one", &object.replace("nothing", "something")).await;
    assert_eq!(problem_of(&elsewhere), (422, "idempotency_key_reused".to_owned(), vec![]));
    let (status, code, fields) = problem_of(&submit(&"k".repeat(129), &object).await);
    assert_eq!((status, code.as_str()), (422, "validation_failed"));
    assert_eq!(fields, ["Idempotency-Key"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn fifty_repeats_at_once_make_one_analysis(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let body = json!({ "objectKey": guest.unused_key() });
    let repeats = (0..50).map(|_| {
        let request = guest.request(Method::POST, "/v1/analyses").header("idempotency-key", "k");
        guest.send(request.json(&body))
    });
    let answers: Vec<Answer> = futures_util::future::join_all(repeats).await;
    assert!(answers.iter().all(|answer| answer.body["id"] == answers[0].body["id"]));
    let stored: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM jobs").fetch_one(&stack.pool).await.unwrap();
    assert_eq!(stored, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_object_key_of_someone_else_is_refused(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let body = json!({ "objectKey": bob.unused_key() });
    let (status, _, fields) = problem_of(&alice.post("/v1/analyses", body).await);
    assert_eq!((status, fields), (422, vec!["objectKey".to_owned()]));
}

#[sqlx::test(migrations = "../migrations")]
async fn someone_elses_analysis_does_not_exist(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let analysis = alice.submit(&alice.unused_key()).await;
    assert_eq!(alice.get(&path(&analysis)).await.status, 200);
    for path in [path(&analysis), format!("{}/events", path(&analysis))] {
        assert_eq!(problem_of(&bob.get(&path).await).1, "not_found", "{path}");
    }
    assert_eq!(bob.get("/v1/analyses").await.body["items"], json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_history_pages_through_everything_once_newest_first(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let mut submitted = Vec::new();
    for _ in 0..5 {
        submitted.insert(0, guest.submit(&guest.unused_key()).await["id"].clone());
    }
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = guest.get(&format!("/v1/analyses?limit=2{cursor}")).await.body;
        listed.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, submitted);
    for (query, field) in
        [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")]
    {
        let (status, _, fields) = problem_of(&guest.get(&format!("/v1/analyses?{query}")).await);
        assert_eq!((status, fields), (422, vec![field.to_owned()]), "{query}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_history_is_filtered_by_state_and_time(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let first = guest.submit(&guest.unused_key()).await;
    end(&stack.pool, &guest, &first).await;
    // Ids are of milliseconds.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let second = guest.submit(&guest.unused_key()).await;
    let listed = async |query: &str| {
        let page = guest.get(&format!("/v1/analyses?{query}")).await;
        let items = page.body["items"].as_array().unwrap_or_else(|| panic!("{page:?}")).clone();
        items.into_iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed("status=failed").await, std::slice::from_ref(&first["id"]));
    assert_eq!(listed("status=queued&limit=1").await, std::slice::from_ref(&second["id"]));
    let since = second["createdAt"].as_str().unwrap();
    assert_eq!(listed(&format!("since={since}")).await, std::slice::from_ref(&second["id"]));
    assert_eq!(listed("since=2020-01-01T00:00:00Z").await.len(), 2);
    for (query, field) in [("status=lost", "status"), ("since=today", "since")] {
        let refused = problem_of(&guest.get(&format!("/v1/analyses?{query}")).await);
        assert_eq!((refused.0, refused.2), (422, vec![field.to_owned()]), "{query}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_person_sent_is_theirs_to_take_back(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (guest, other) = (api.guest().await, api.guest().await);
    let key = guest.upload(photo("face.jpg")).await;
    let (ended, queued) = (guest.submit(&key).await, guest.submit(&guest.unused_key()).await);
    end(&stack.pool, &guest, &ended).await;
    let delete = async |client: &Client, analysis: &Value| {
        client.send(client.request(Method::DELETE, &path(analysis))).await
    };
    assert_eq!(problem_of(&delete(&other, &ended).await).1, "not_found");
    for analysis in [&ended, &queued] {
        assert_eq!(delete(&guest, analysis).await.status, 204);
        assert_eq!(guest.get(&path(analysis)).await.status, 404);
        assert_eq!(delete(&guest, analysis).await.status, 404);
    }
    assert_eq!(guest.get("/v1/analyses").await.body["items"], json!([]));
    let left = "SELECT (SELECT COUNT(*) FROM job_outcomes) + (SELECT COUNT(*) FROM photo_answers)";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&stack.pool).await.unwrap();
    assert_eq!(left, 0);
    // What is older than may be kept goes in the same way.
    let old = guest.submit(&guest.upload(photo("face.jpg")).await).await;
    end(&stack.pool, &guest, &old).await;
    let young = guest.submit(&guest.unused_key()).await;
    let settings = stack.environment().clone();
    let settings = settings.into_iter().chain([("ANALYSIS_RETENTION".into(), "0s".into())]);
    let settings = ApiConfig::load(&Settings::from_vars(settings.collect())).unwrap().features;
    for rule in purges(&settings).iter().filter(|rule| rule.table() == "jobs") {
        purge(&stack.pool.clone().into(), rule).await.unwrap();
    }
    let left = guest.get("/v1/analyses").await.body["items"].clone();
    assert_eq!((left[0]["id"].clone(), left.as_array().unwrap().len()), (young["id"].clone(), 1));
    // The photo follows by a job, and its events stay as numbers alone.
    let _worker = stack.worker();
    eventually("the photo is deleted", async || {
        stack.objects().get(&key, PHOTO_LIMIT_BYTES).await.is_err().then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn uploads_submits_and_cancellations_have_their_quota(db: MySqlPool) {
    let stack = Stack::new(db).await.with("UPLOADS_PER_HOUR", "3").with("CANCELS_PER_HOUR", "1");
    let stack = stack.with("SUBMITS_PER_HOUR", "4");
    let guest = stack.api().await.guest().await;
    let files = |count: usize| json!({ "fileNames": vec!["a.jpg"; count] });
    let upload = json!({ "contentType": "image/jpeg", "contentLength": 5 });
    assert_eq!(
        guest.post("/v1/uploads", upload.clone()).await.header("ratelimit-policy"),
        "\"uploads\";q=3;w=3600"
    );
    // Three doors, one quota.
    assert_eq!(guest.post("/api/uploads/presigned-urls", files(3)).await.status, 429);
    assert_eq!(guest.post("/api/uploads/presigned-urls", files(1)).await.status, 200);
    assert_eq!(submit_form(&guest, form(photo("face.jpg"))).await.status, 202);
    assert_eq!(problem_of(&submit_form(&guest, form(photo("face.jpg"))).await).1, "rate_limited");
    assert_eq!(problem_of(&guest.post("/v1/uploads", upload).await).1, "rate_limited");
    let cancel = async || {
        let analysis = guest.submit(&guest.unused_key()).await;
        guest.post(&format!("{}/cancel", path(&analysis)), json!({})).await
    };
    assert_eq!(cancel().await.status, 200);
    assert_eq!(problem_of(&cancel().await).1, "rate_limited");
    // Three submits so far; a repetition of an accepted one is none too many.
    let object = guest.unused_key();
    let submit = async |key: &'static str| {
        let request = guest.request(Method::POST, "/v1/analyses").header("idempotency-key", key);
        guest.send(request.json(&json!({ "objectKey": object }))).await
    };
    let accepted = submit("one").await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let refused = submit("two").await;
    assert_eq!(problem_of(&refused).1, "rate_limited");
    assert!(refused.header("ratelimit-policy").contains("\"submits\";q=4;w=3600"), "{refused:?}");
    assert_eq!(submit("one").await.body["id"], accepted.body["id"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_long_poll_answers_when_the_analysis_ends(db: MySqlPool) {
    // Without Redis: the clock alone must find it, within two seconds.
    let stack = Stack::new(db).await.with("REDIS_URL", "redis://127.0.0.1:1/0");
    let guest = stack.api().await.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    let poll = format!("{}?wait=30", path(&analysis));
    let begun = Instant::now();
    let (answer, ()) = futures_util::join!(guest.get(&poll), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        end(&stack.pool, &guest, &analysis).await;
    });
    assert_eq!(answer.body["status"], "failed");
    assert_eq!(answer.body["error"]["code"], "NO_FACE");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wait_that_is_not_worth_it_ends_with_the_analysis_as_it_is(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let request = guest.request(Method::POST, "/v1/analyses").header("prefer", "wait=1");
    let answer = guest.send(request.json(&json!({ "objectKey": guest.unused_key() }))).await;
    assert_eq!((answer.status.as_u16(), answer.header("preference-applied")), (202, "wait=1"));
    let read = guest.get(&format!("{}?wait=1", path(&answer.body))).await;
    assert_eq!((read.status.as_u16(), &read.body["status"]), (200, &json!("queued")));
    let (status, _, fields) =
        problem_of(&guest.get(&format!("{}?wait=61", path(&read.body))).await);
    assert_eq!((status, fields), (422, vec!["wait".to_owned()]));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_unchanged_analysis_is_not_sent_again(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    let read = guest.get(&path(&analysis)).await;
    let etag = read.header("etag").to_owned();
    let again = async |query: &str| {
        let path = format!("{}{query}", path(&analysis));
        guest.send(guest.request(Method::GET, &path).header("if-none-match", &etag)).await
    };
    assert_eq!(again("").await.status, 304);
    let (changed, ()) = futures_util::join!(again("?wait=20"), end(&stack.pool, &guest, &analysis));
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), etag);
}

fn form(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes).file_name("me.jpg"))
}

async fn submit_form(client: &Client, form: Form) -> Answer {
    client.send(client.request(Method::POST, "/v1/analyses").multipart(form)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_may_come_with_the_request(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let accepted = submit_form(&guest, form(photo("face.jpg"))).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let key: String =
        sqlx::query_scalar("SELECT JSON_UNQUOTE(JSON_EXTRACT(payload, '$.objectKey')) FROM jobs")
            .fetch_one(&stack.pool)
            .await
            .unwrap();
    assert_eq!(stack.objects().get(&key, PHOTO_LIMIT_BYTES).await.unwrap(), photo("face.jpg"));
    let noted = form(photo("face.jpg")).text("metadata", r#"{"order":"7"}"#);
    let noted = submit_form(&guest, noted).await.body;
    assert_eq!(noted["metadata"], json!({ "order": "7" }));
    assert_ne!(noted["id"], accepted.body["id"], "noted otherwise, and so another request");
    let refused = submit_form(&guest, form(photo("face.jpg")).text("webhook", "http://10.0.0.1/"));
    assert_eq!(problem_of(&refused.await).2, ["webhook"]);
    let refused = submit_form(&guest, form(photo("face.jpg")).text("metadata", "[1]")).await;
    assert_eq!(problem_of(&refused).2, ["metadata"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_form_without_a_fit_photo_is_refused(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let text = submit_form(&guest, form(b"plain text".to_vec())).await;
    assert_eq!(problem_of(&text), (415, "unsupported_media_type".to_owned(), vec![]));
    let gif = submit_form(&guest, form(b"GIF89a".to_vec())).await;
    assert_eq!(problem_of(&gif), (415, "unsupported_media_type".to_owned(), vec![]));
    let detail = gif.body["detail"].as_str().unwrap();
    assert!(detail.contains("image/gif is not supported"), "{detail}");

    let mut large = vec![0; 10 * 1024 * 1024 + 1];
    large[..3].copy_from_slice(&[0xff, 0xd8, 0xff]);
    assert_eq!(problem_of(&submit_form(&guest, form(large)).await).1, "too_large");

    let empty = submit_form(&guest, Form::new().text("deadline", "2030-01-01T00:00:00Z")).await;
    assert_eq!(problem_of(&empty), (422, "validation_failed".to_owned(), vec!["image".to_owned()]));
}

#[sqlx::test(migrations = "../migrations")]
async fn while_the_database_is_away_a_submit_says_when_to_return(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let token = stack.api().await.guest().await;
    let away = stack.with("DATABASE_URL", "mysql://127.0.0.1:1/none").api().await;
    let mut guest = away.anonymous();
    guest.session = token.session.clone();
    let begun = Instant::now();
    let answer = guest.post("/v1/analyses", json!({ "objectKey": guest.unused_key() })).await;
    assert_eq!(problem_of(&answer), (503, "unavailable".to_owned(), vec![]));
    assert_eq!(answer.header("retry-after"), "2");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(guest.get("/healthz").await.status, 200);
    assert_eq!(problem_of(&guest.get("/readyz").await).0, 503);
}
