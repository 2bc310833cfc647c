//! `submit` and `watch` against a scripted server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{body_json, header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{TempFile, toneup, toneup_async};

const TOKEN: &str = "guest.access.token";

/// A scripted server that accepts any photo and streams the events of its analysis.
struct Api {
    server: MockServer,
    id: Uuid,
}

impl Api {
    async fn start() -> Self {
        let api = Self { server: MockServer::start().await, id: Uuid::now_v7() };
        let session = json!({
            "userId": Uuid::now_v7(), "accessToken": TOKEN, "tokenType": "Bearer", "expiresIn": 900,
            "refreshToken": "refresh.token", "refreshExpiresIn": 2_592_000
        });
        let guest = Mock::given(method("POST")).and(path("/v1/sessions/guest"));
        let guest = guest.and(body_json(json!({})));
        guest.respond_with(created(&session)).mount(&api.server).await;

        let upload = json!({
            "objectKey": "u/7/photo.jpg", "method": "PUT", "expiresAt": "2030-01-01T00:00:00Z",
            "url": format!("{}/bucket/u/7/photo.jpg?X-Amz-Signature=secret", api.server.uri()),
            "headers": { "content-type": "image/jpeg", "content-length": "70000" }
        });
        let uploads = Mock::given(method("POST")).and(path("/v1/uploads")).and(bearer());
        let asked = json!({ "contentType": "image/jpeg", "contentLength": 70_000 });
        uploads.and(body_json(asked)).respond_with(created(&upload)).mount(&api.server).await;

        let put = Mock::given(method("PUT")).and(path("/bucket/u/7/photo.jpg"));
        let put = put.and(header("content-type", "image/jpeg"));
        put.respond_with(ResponseTemplate::new(200)).expect(1).mount(&api.server).await;

        let accepted = ResponseTemplate::new(202).set_body_json(api.queued(2));
        let submits = Mock::given(method("POST")).and(path("/v1/analyses")).and(bearer());
        let submits = submits.and(body_json(json!({ "objectKey": "u/7/photo.jpg" })));
        let submits = submits.and(header_exists("idempotency-key"));
        submits.respond_with(accepted).expect(1).mount(&api.server).await;
        api
    }

    /// Adds a connection to the event stream. Those that name a `last_event_id` take such requests alone.
    async fn stream(&self, last_event_id: Option<&str>, body: String) {
        let events = Mock::given(method("GET")).and(bearer());
        let mut events = events.and(path(format!("/v1/analyses/{}/events", self.id)));
        if let Some(id) = last_event_id {
            events = events.and(header("last-event-id", id));
        }
        let stream = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
        events.respond_with(stream).up_to_n_times(1).expect(1).mount(&self.server).await;
    }

    async fn submit(&self, more: &[&str]) -> crate::support::Run {
        let photo = TempFile::photo();
        let url = self.server.uri();
        let mut args = vec!["submit", photo.path(), "--url", &url];
        args.extend(more);
        let run = toneup_async(&args).await;
        assert!(!run.stdout.contains(TOKEN) && !run.stderr.contains(TOKEN), "{run:?}");
        assert!(!run.stderr.contains("secret"), "{run:?}");
        run
    }

    fn queued(&self, position: u32) -> Value {
        json!({
            "id": self.id, "status": "queued", "version": 1, "attempt": 0,
            "createdAt": "2025-01-01T00:00:00Z", "startedAt": null, "finishedAt": null,
            "queuePosition": position, "estimatedWaitSeconds": 3.2, "result": null, "error": null
        })
    }

    fn running(&self) -> Value {
        json!({
            "id": self.id, "status": "running", "version": 2, "attempt": 1,
            "createdAt": "2025-01-01T00:00:00Z", "startedAt": "2025-01-01T00:00:01Z",
            "finishedAt": null, "queuePosition": null, "estimatedWaitSeconds": null,
            "result": null, "error": null
        })
    }

    fn succeeded(&self) -> Value {
        json!({
            "id": self.id, "status": "succeeded", "version": 3, "attempt": 1,
            "createdAt": "2025-01-01T00:00:00Z", "startedAt": "2025-01-01T00:00:01Z",
            "finishedAt": "2025-01-01T00:00:02.5Z", "queuePosition": null,
            "estimatedWaitSeconds": null, "error": null,
            "result": {
                "personalColor": "AUTUMN", "subtype": "DEEP_AUTUMN", "undertone": "warm",
                "confidence": 0.72, "contrast": 41.0, "palette": ["#b5532a", "#d59b2d"],
                "skin": { "L": 61.0, "a": 12.0, "b": 20.0, "chroma": 23.3, "hue": 59.0,
                          "ita": 28.8, "hex": "#bf8c70" },
                "face": null, "warnings": ["LOW_CONFIDENCE"], "model": null
            }
        })
    }

    fn failed(&self) -> Value {
        let mut failed = self.running();
        failed["status"] = json!("failed");
        failed["version"] = json!(3);
        failed["error"] =
            json!({ "code": "NO_FACE", "message": "no face was found", "retryable": false });
        failed
    }
}

fn created(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(body)
}

fn bearer() -> impl wiremock::Match {
    header("authorization", format!("Bearer {TOKEN}").as_str())
}

fn event(analysis: &Value) -> String {
    format!("event: analysis\ndata: {analysis}\n\n")
}

#[tokio::test]
async fn a_watched_photo_ends_with_its_season_although_the_stream_breaks() {
    let api = Api::start().await;
    let first = format!(": heartbeat\n\nid: 41\n{}", event(&api.queued(3)));
    api.stream(None, first + &event(&api.running())).await;
    // A replica that lags behind, and breaks as well.
    api.stream(Some("41"), event(&api.queued(1))).await;
    api.stream(Some("41"), format!("id: 42\n{}", event(&api.succeeded()))).await;

    let run = api.submit(&["--watch"]).await;
    assert_eq!(run.code, 0, "{run:?}");
    let expected = "AUTUMN\n\ntype        deep autumn\nundertone   warm\n";
    assert!(run.stdout.starts_with(expected), "{run:?}");
    for part in ["[##############------] 72 %", "#bf8c70", "#b5532a  #d59b2d", "took        2.5 s"]
    {
        assert!(run.stdout.contains(part), "{part}: {run:?}");
    }
    let told: Vec<_> = run.stderr.lines().skip_while(|line| !line.starts_with("queued")).collect();
    let expected =
        ["queued, position 2, about 4 s", "queued, position 3, about 4 s", "running (attempt 1)"];
    assert_eq!(told, expected, "{run:?}");
}

#[tokio::test]
async fn with_json_the_answer_is_the_servers_document_and_nothing_else_is_said() {
    let api = Api::start().await;
    let mut succeeded = api.succeeded();
    succeeded["unknown"] = json!("kept");
    api.stream(None, event(&api.queued(1)) + &event(&succeeded)).await;

    let run = api.submit(&["--watch", "--json"]).await;
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.json(), succeeded);
}

#[tokio::test]
async fn colours_can_be_demanded() {
    let api = Api::start().await;
    api.stream(None, event(&api.succeeded())).await;
    let run = api.submit(&["--watch", "--color", "always"]).await;
    assert!(run.stdout.contains("\x1b[48;2;181;83;42m"), "{run:?}");
    assert!(run.stdout.contains('█'), "{run:?}");
}

#[tokio::test]
async fn a_failed_analysis_is_told_in_words_and_exits_with_1() {
    let api = Api::start().await;
    api.stream(None, event(&api.failed())).await;
    let run = api.submit(&["--watch"]).await;
    assert_eq!(run.code, 1, "{run:?}");
    let words = "The analysis failed: no face was found\nreason      no face (NO_FACE)\n";
    assert_eq!(run.stdout, words);
}

#[tokio::test]
async fn a_failed_analysis_exits_with_1_beside_its_document() {
    let api = Api::start().await;
    api.stream(None, event(&api.failed())).await;
    let run = api.submit(&["--watch", "--json"]).await;
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.json(), api.failed());
}

#[tokio::test]
async fn without_watch_the_accepted_analysis_is_the_answer() {
    let api = Api::start().await;
    let run = api.submit(&[]).await;
    assert_eq!(run.code, 0, "{run:?}");
    let expected = format!("accepted {}: queued, position 2, about 4 s\n", api.id);
    assert_eq!(run.stdout, expected);
    assert!(run.stderr.contains("--watch"), "{run:?}");
}

#[tokio::test]
async fn with_a_token_no_guest_is_made_and_watch_follows() {
    let api = Api::start().await;
    let run = api.submit(&["--token", TOKEN]).await;
    assert!(run.stderr.contains(&format!("toneup watch {}", api.id)), "{run:?}");

    api.stream(None, event(&api.succeeded())).await;
    let (id, url) = (api.id.to_string(), api.server.uri());
    let run = toneup_async(&["watch", &id, "--url", &url, "--token", TOKEN]).await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.starts_with("AUTUMN"), "{run:?}");

    let calls = api.server.received_requests().await.unwrap();
    assert!(calls.iter().all(|call| !call.url.path().contains("sessions")));
}

#[tokio::test]
async fn a_refusal_is_passed_on_with_its_code() {
    let server = MockServer::start().await;
    let problem = json!({
        "type": "about:blank", "title": "Not found", "status": 404, "code": "not_found",
        "detail": "there is no such analysis", "traceId": "4bf92f"
    });
    let refusal = ResponseTemplate::new(404);
    let refusal = refusal.set_body_raw(problem.to_string(), "application/problem+json");
    Mock::given(method("GET")).respond_with(refusal).expect(1).mount(&server).await;

    let id = Uuid::now_v7().to_string();
    let run = toneup_async(&["watch", &id, "--url", &server.uri(), "--token", TOKEN]).await;
    let told = "  because: there is no such analysis (status 404, code not_found, trace 4bf92f)\n";
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    assert!(run.stderr.contains(&format!("error: cannot watch analysis {id}\n")), "{run:?}");
    assert!(run.stderr.ends_with(told), "{run:?}");
}

#[test]
fn a_watch_without_a_token_says_what_is_missing() {
    let id = Uuid::now_v7().to_string();
    let run = toneup(&["watch", &id], &[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("TONEUP_TOKEN"), "{run:?}");
}

#[test]
fn an_unreachable_server_exits_with_3_in_bounded_time() {
    let photo = TempFile::photo();
    let began = Instant::now();
    let run = toneup(&["submit", photo.path(), "--url", "http://127.0.0.1:9", "--watch"], &[]);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{run:?}");
    assert!(run.stderr.contains("cannot reach http://127.0.0.1:9"), "{run:?}");
}

#[test]
fn what_is_no_photo_is_refused_before_anything_is_sent() {
    let url = ["--url", "http://127.0.0.1:9"];
    let refused = |path: &str| {
        let run = toneup(&["submit", path, url[0], url[1]], &[]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
        run.stderr
    };
    let gif = TempFile::new(b"GIF89a");
    let told = refused(gif.path());
    assert!(told.contains("is not a photo") && told.contains("image/heic"), "{told}");
    assert!(told.contains("image/gif is not supported"), "{told}");

    let mut huge = vec![0xff, 0xd8, 0xff];
    huge.resize(10 * 1024 * 1024 + 1, 0);
    let told = refused(TempFile::new(&huge).path());
    assert!(told.contains("too large") && told.contains("10.00 MiB"), "{told}");

    assert!(refused(TempFile::new(b"").path()).contains("is not a photo"));
    assert!(refused("/nowhere/at/all.jpg").contains("cannot read /nowhere/at/all.jpg"));
    assert!(refused("/").contains("cannot read /"));
}

#[test]
fn help_shows_examples_and_exit_codes() {
    for command in [&["submit"][..], &["watch"], &["migrate"], &["bucket"], &["jobs", "list"], &[]]
    {
        let mut args = command.to_vec();
        args.push("--help");
        let run = toneup(&args, &[("TONEUP_TOKEN", TOKEN)]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(
            run.stdout.contains("Examples:\n") && run.stdout.contains("Exit codes:\n"),
            "{run:?}"
        );
        assert!(!run.stdout.contains(TOKEN), "{run:?}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for args in [&["submit"][..], &["dance"], &["jobs", "list", "--status", "sleeping"], &[]] {
        assert_eq!(toneup(args, &[]).code, 2, "{args:?}");
    }
}

/// A server that takes photos of these sizes, each under a key of its own.
async fn album(sizes: &[usize]) -> (MockServer, Vec<Uuid>) {
    let server = MockServer::start().await;
    let mut ids = Vec::new();
    for size in sizes {
        let (id, key) = (Uuid::now_v7(), format!("u/7/{size}.jpg"));
        let upload = json!({
            "objectKey": key, "method": "PUT", "url": format!("{}/bucket/{key}", server.uri()),
            "headers": { "content-type": "image/jpeg" }
        });
        let asked = json!({ "contentType": "image/jpeg", "contentLength": size });
        let uploads = Mock::given(path("/v1/uploads")).and(body_json(asked)).and(bearer());
        uploads.respond_with(created(&upload)).expect(1).mount(&server).await;
        let put = Mock::given(method("PUT")).and(path(format!("/bucket/{key}")));
        put.respond_with(ResponseTemplate::new(200)).expect(1).mount(&server).await;
        let queued = json!({ "id": id, "status": "queued", "version": 1 });
        let submits = Mock::given(path("/v1/analyses")).and(body_json(json!({ "objectKey": key })));
        let accepted = ResponseTemplate::new(202).set_body_json(queued);
        submits.respond_with(accepted).expect(1).mount(&server).await;
        ids.push(id);
    }
    (server, ids)
}

fn photo_of(size: usize) -> TempFile {
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe0];
    jpeg.resize(size, 7);
    TempFile::new(&jpeg)
}

#[tokio::test]
async fn several_photos_are_answered_in_their_order() {
    let (server, ids) = album(&[100, 200, 300]).await;
    let photos = [photo_of(100), photo_of(200), photo_of(300)];
    let url = server.uri();
    let mut args = vec!["submit", "--url", &url, "--token", TOKEN, "--json"];
    args.extend(photos.iter().map(TempFile::path));
    let run = toneup_async(&args).await;
    assert_eq!(run.code, 0, "{run:?}");
    let answered: Vec<Value> =
        run.json().as_array().unwrap().iter().map(|analysis| analysis["id"].clone()).collect();
    assert_eq!(answered, ids.iter().map(|id| json!(id)).collect::<Vec<_>>());
}

#[tokio::test]
async fn photos_together_are_one_analysis_and_at_most_five() {
    let (server, _) = album(&[]).await;
    for size in [100, 200] {
        let upload = json!({
            "objectKey": format!("u/7/{size}.jpg"), "method": "PUT", "headers": {},
            "url": format!("{}/bucket/{size}", server.uri()),
        });
        let asked = json!({ "contentType": "image/jpeg", "contentLength": size });
        let uploads = Mock::given(path("/v1/uploads")).and(body_json(asked));
        uploads.respond_with(created(&upload)).expect(1).mount(&server).await;
        let put = Mock::given(method("PUT")).and(path(format!("/bucket/{size}")));
        put.respond_with(ResponseTemplate::new(200)).expect(1).mount(&server).await;
    }
    let id = Uuid::now_v7();
    let queued = json!({ "id": id, "status": "queued", "version": 1 });
    let together = json!({ "objectKeys": ["u/7/100.jpg", "u/7/200.jpg"] });
    let submits = Mock::given(path("/v1/analyses")).and(body_json(together));
    let accepted = ResponseTemplate::new(202).set_body_json(queued);
    submits.respond_with(accepted).expect(1).mount(&server).await;

    let (photos, url) = ([photo_of(100), photo_of(200)], server.uri());
    let mut args = vec!["submit", "--together", "--url", &url, "--token", TOKEN, "--json"];
    args.extend(photos.iter().map(TempFile::path));
    let run = toneup_async(&args).await;
    assert_eq!((run.code, &run.json()["id"]), (0, &json!(id)), "{run:?}");

    args.extend([photos[0].path(); 4]);
    let six = toneup_async(&args).await;
    assert_ne!(six.code, 0, "{six:?}");
    assert!(six.stderr.contains("at most 5 photos"), "{six:?}");
}

#[tokio::test]
async fn of_several_photos_one_that_fails_keeps_no_other_back() {
    let (server, ids) = album(&[100]).await;
    let photos = [photo_of(100), photo_of(200)];
    let url = server.uri();
    let args = ["submit", "--url", &url, "--token", TOKEN, photos[1].path(), photos[0].path()];
    let run = toneup_async(&args).await;
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains(&format!("accepted {}", ids[0])), "{run:?}");
    assert!(run.stderr.contains(photos[1].path()), "{run:?}");
}

#[tokio::test]
async fn an_analysis_is_cancelled_by_its_owner() {
    let (server, id) = (MockServer::start().await, Uuid::now_v7());
    let cancelled = json!({ "id": id, "status": "cancelled", "version": 2 });
    let cancels = Mock::given(method("POST")).and(path(format!("/v1/analyses/{id}/cancel")));
    let cancels = cancels.and(bearer());
    cancels.respond_with(ResponseTemplate::new(200).set_body_json(cancelled)).mount(&server).await;
    let (id, url) = (id.to_string(), server.uri());
    let run = toneup_async(&["cancel", &id, "--url", &url, "--token", TOKEN]).await;
    assert_eq!((run.code, run.stdout), (0, format!("cancelled {id}\n")));
    let run = toneup_async(&["cancel", &id, "--url", &url]).await;
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("TONEUP_TOKEN"), "{run:?}");
}

#[tokio::test]
async fn a_photo_may_come_by_stdin() {
    let (server, ids) = album(&[400]).await;
    let (photo, url) = (photo_of(400), server.uri());
    let args = ["submit", "-", "--url", &url, "--token", TOKEN].map(str::to_owned);
    let stdin = std::fs::File::open(photo.path()).unwrap();
    let run = move || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_toneup"));
        command.args(args).env_clear().stdin(stdin).output().unwrap()
    };
    let run = tokio::task::spawn_blocking(run).await.unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success() && said.contains(&ids[0].to_string()), "{run:?}");
}
