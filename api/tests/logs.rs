//! Secrets, photos and addresses are never logged: they are searched for in everything that a whole run logs at the
//! most verbose level of our own code.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use sqlx::MySqlPool;
use time::OffsetDateTime;
use toneup_operate::token::sign;
use toneup_testing::{RunningAnalyzer, Stack, photo};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Client address, as its proxy forwards it.
const CLIENT: &str = "203.0.113.77";

/// Keeps what is logged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_whole_run_logs_its_ids_and_no_secret_no_photo_and_no_address(db: MySqlPool) {
    let kept = Kept::default();
    let ours = "info,toneup_api=trace,toneup_worker=trace,toneup_platform=trace,toneup_jobs=trace,toneup_notify=trace,toneup_colour=trace,toneup_operate=trace,tower_http=trace";
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(EnvFilter::new(ours))
        .with_writer(kept.clone())
        .init();

    let analyzer = RunningAnalyzer::start().await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", &analyzer.url);
    let stack = stack.with("CLIENT_IP_HEADER", "x-forwarded-for");
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let face = photo("face.jpg");
    let upload = json!({ "contentType": "image/jpeg", "contentLength": face.len() });
    let signed = guest.post("/v1/uploads", upload).await.body;
    assert_eq!(guest.put(&signed, "image/jpeg", face.clone()).await, 200);
    let submit = guest
        .request(reqwest::Method::POST, "/v1/analyses")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .header("prefer", "wait=50")
        .json(&json!({ "objectKey": signed["objectKey"] }));
    let ended = guest.send(submit).await.body;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    // Failures log more than successes: a photo that is not there, a token that does not count, an operator's deed.
    let missing = guest.submit(&guest.unused_key()).await;
    let path = format!("/v1/analyses/{}?wait=50", missing["id"].as_str().unwrap());
    assert_eq!(guest.get(&path).await.body["status"], "failed");
    let secret = stack.environment()["JWT_SECRET"].clone();
    let now = OffsetDateTime::now_utc();
    let token = sign(&secret.clone().into(), "dana", Duration::from_mins(1), now).unwrap();
    let mut operator = api.anonymous();
    operator.session = json!({ "accessToken": token });
    operator.get("/admin/overview").await;
    let retry = format!("/admin/jobs/{}/retry", missing["id"].as_str().unwrap());
    for (client, path) in [(&operator, retry.as_str()), (&guest, "/v1/sessions/guest")] {
        let request = client.request(reqwest::Method::POST, path).header("x-forwarded-for", CLIENT);
        client.send(request).await;
    }
    assert_eq!(operator.get("/v1/analyses").await.status, 401);
    let refresh = json!({ "refreshToken": guest.session["refreshToken"] });
    for _ in 0..2 {
        guest.post("/v1/sessions/refresh", refresh.clone()).await;
    }

    let log = kept.text();
    // A job that goes well writes no line; one that fails is found by its id.
    assert!(log.contains(trace) && log.contains(missing["id"].as_str().unwrap()), "{log}");
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let url = signed["url"].as_str().unwrap();
    let environment = stack.environment();
    let database: url::Url = environment["DATABASE_URL"].parse().unwrap();
    assert_clean(
        &log,
        &[
            ("an access token", guest.session["accessToken"].as_str().unwrap()),
            ("a refresh token", guest.session["refreshToken"].as_str().unwrap()),
            ("an operator's token", token.as_str()),
            ("the key of tokens", secret.as_str()),
            ("a presigned URL", url.split_once('?').unwrap().1),
            ("the key of S3", environment["S3_SECRET_ACCESS_KEY"].as_str()),
            ("a signature", "X-Amz-Signature"),
            ("the database's password", &format!(":{}@", database.password().unwrap())),
            ("a header", "Bearer "),
            ("the bytes of a photo", "JFIF"),
            ("a client's address", CLIENT),
        ],
    );
}

/// Finds none of `secrets` in a log, and nothing that looks like an e-mail address.
fn assert_clean(log: &str, secrets: &[(&str, &str)]) {
    for (what, text) in secrets {
        let found = log.lines().find(|line| line.contains(text));
        assert_eq!(found, None, "{what} is in the log");
    }
    let is_address = |word: &str| {
        word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
    };
    assert_eq!(log.split(['"', ' ', ',']).find(|word| is_address(word)), None, "an e-mail address");
}
