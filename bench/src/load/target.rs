//! Targets of load: ToneUp through its public API, or a server that holds the request until it responds.

use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::Job;
use crate::stub::record::Clock;

/// Longest wait of one poll for a result, in seconds; the API's own maximum.
const POLL_SECONDS: u64 = 60;

/// Bytes of a photo to submit.
#[derive(Debug, Clone)]
pub struct Photo(pub Bytes);

impl Photo {
    /// Creates 500 kB that start like a JPEG: enough for a stub, which decodes no photo.
    pub fn made_up() -> Self {
        const BYTES: usize = 500_000;
        let mut photo = vec![0xff, 0xd8, 0xff, 0xe0];
        let noise = (0u32..).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]);
        photo.extend(noise.take(BYTES - photo.len()));
        Self(photo.into())
    }
}

/// System under load.
#[derive(Debug)]
pub enum Target {
    /// ToneUp: submit an uploaded photo by its key, then long-poll.
    ToneUp {
        /// Clients of the API; job n is submitted by user n modulo their number.
        users: Vec<User>,
    },
    /// One request, held until the response.
    Direct(Direct),
}

/// A server that analyses while the client waits.
#[derive(Debug)]
pub struct Direct {
    http: Client,
    url: String,
    /// Name of the form part with the photo.
    part: &'static str,
    photo: Photo,
    clock: Clock,
}

/// A signed-in guest with one uploaded photo.
#[derive(Debug)]
pub struct User {
    http: Client,
    api: String,
    id: Uuid,
    token: String,
    object_key: String,
    clock: Clock,
}

/// Creates an HTTP client whose timeout allows a long poll.
pub fn http() -> anyhow::Result<Client> {
    let timeout = Duration::from_secs(POLL_SECONDS + 15);
    Ok(Client::builder().no_proxy().timeout(timeout).tcp_nodelay(true).build()?)
}

impl Target {
    /// Creates the target ToneUp at `api`, with `users` guests.
    pub async fn toneup(api: &str, users: usize, photo: &Photo) -> anyhow::Result<Self> {
        let http = http()?;
        let mut all = Vec::with_capacity(users);
        for _ in 0..users {
            all.push(User::sign_in(&http, api, photo).await?);
        }
        Ok(Self::ToneUp { users: all })
    }

    /// Creates the target of an analyzer, or of the proxy in front of one, at `base`.
    pub fn direct(base: &str, photo: Photo) -> anyhow::Result<Self> {
        Self::held(format!("{base}/analyze-color"), "file", photo)
    }

    /// Creates the target of ToneUp's route without a token, which the first server's load test used.
    pub fn door(api: &str, photo: Photo) -> anyhow::Result<Self> {
        Self::held(format!("{api}/api/personalcolortest"), "image", photo)
    }

    fn held(url: String, part: &'static str, photo: Photo) -> anyhow::Result<Self> {
        Ok(Self::Direct(Direct { http: http()?, url, part, photo, clock: Clock::default() }))
    }

    /// Runs job number `n`, until `give_up` at the latest.
    pub async fn run(&self, n: usize, give_up: Instant) -> Job {
        match self {
            Self::ToneUp { users } => users[n % users.len()].run(give_up).await,
            Self::Direct(direct) => direct.run(give_up).await,
        }
    }

    /// Submits job number `n` and does not wait for its result.
    pub async fn submit(&self, n: usize, give_up: Instant) -> Job {
        match self {
            Self::ToneUp { users } => {
                let mut job = Job::default();
                users[n % users.len()].begin(&mut job, give_up).await;
                job
            }
            Self::Direct(direct) => direct.run(give_up).await,
        }
    }
}

impl Direct {
    async fn run(&self, give_up: Instant) -> Job {
        let sent_ms = self.clock.now_ms();
        let mut job = Job { sent_ms, accepted_ms: Some(sent_ms), ..Job::default() };
        let photo = self.photo.0.clone();
        let file = Part::stream_with_length(photo.clone(), photo.len() as u64).file_name("photo");
        let form = Form::new().text("user_id", "0").part(self.part, file);
        let Ok(sent) = timeout_at(give_up, self.http.post(&self.url).multipart(form).send()).await
        else {
            return job;
        };
        match sent {
            Ok(answer) if answer.status().is_success() => match answer.bytes().await {
                Ok(_) => job.finished_ms = Some(self.clock.now_ms()),
                Err(error) => job.failure = Some(error.to_string()),
            },
            Ok(answer) => job.failure = Some(answer.status().to_string()),
            Err(error) => job.failure = Some(error.to_string()),
        }
        job
    }
}

impl User {
    /// Signs in as a new guest and uploads the photo as a client does.
    pub async fn sign_in(http: &Client, api: &str, photo: &Photo) -> anyhow::Result<Self> {
        let session = http.post(format!("{api}/v1/sessions/guest")).json(&json!({}));
        let session = read(session).await.context("signing in")?;
        let token = session["accessToken"].as_str().context("no access token")?.to_owned();
        let id = session["userId"].as_str().context("no user id")?.parse()?;
        let object_key = upload(http, api, &token, photo).await?;
        Ok(Self {
            http: http.clone(),
            api: api.to_owned(),
            id,
            token,
            object_key,
            clock: Clock::default(),
        })
    }

    /// Id of the user.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Access token of the user.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Key of the uploaded photo.
    pub fn object_key(&self) -> &str {
        &self.object_key
    }

    /// Submits, waits for the result and records the times.
    async fn run(&self, give_up: Instant) -> Job {
        let mut job = Job::default();
        if let Some(id) = self.begin(&mut job, give_up).await {
            self.wait(&id, &mut job, give_up).await;
        }
        job
    }

    /// Submits and records the times; returns the id of the accepted analysis.
    async fn begin(&self, job: &mut Job, give_up: Instant) -> Option<String> {
        job.sent_ms = self.clock.now_ms();
        let submitted = self.submit(job, give_up).await;
        match submitted {
            Ok(Some(_)) => job.accepted_ms = Some(self.clock.now_ms()),
            Ok(None) => {}
            Err(ref error) => job.failure = Some(format!("submit: {error:#}")),
        }
        submitted.ok().flatten()
    }

    /// Submits until accepted; returns the analysis's id, or `None` if the run ended while the API asked to retry
    /// later.
    async fn submit(&self, job: &mut Job, give_up: Instant) -> anyhow::Result<Option<String>> {
        let body = json!({ "objectKey": self.object_key });
        while Instant::now() < give_up {
            let request = self.http.post(format!("{}/v1/analyses", self.api));
            let answer = request.bearer_auth(&self.token).json(&body).send().await?;
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                job.throttled += 1;
                sleep(retry_after(&answer)).await;
                continue;
            }
            ensure!(answer.status() == StatusCode::ACCEPTED, "{}", answer.status());
            let accepted: Value = answer.json().await?;
            return Ok(Some(accepted["id"].as_str().context("no id")?.to_owned()));
        }
        Ok(None)
    }

    /// Waits for the result by long polls. A failed poll is no failure of the job: the next one shows its state.
    async fn wait(&self, id: &str, job: &mut Job, give_up: Instant) {
        loop {
            let left = give_up.saturating_duration_since(Instant::now()).as_secs();
            if left == 0 {
                return;
            }
            let url = format!("{}/v1/analyses/{id}?wait={}", self.api, left.min(POLL_SECONDS));
            let polled = read(self.http.get(url).bearer_auth(&self.token)).await;
            let Ok(analysis) = polled else {
                sleep(Duration::from_millis(200)).await;
                continue;
            };
            match analysis["status"].as_str() {
                Some("succeeded") => return job.finished_ms = Some(self.clock.now_ms()),
                Some("queued" | "running") => {}
                other => {
                    let code = analysis["error"]["code"].as_str().unwrap_or_default();
                    return job.failure = Some(format!("{} {code}", other.unwrap_or("no status")));
                }
            }
        }
    }
}

/// Uploads a photo as a client does; returns its key.
pub(crate) async fn upload(
    http: &Client,
    api: &str,
    token: &str,
    photo: &Photo,
) -> anyhow::Result<String> {
    let wanted = json!({ "contentType": "image/jpeg", "contentLength": photo.0.len() });
    let upload = http.post(format!("{api}/v1/uploads")).bearer_auth(token).json(&wanted);
    let upload = read(upload).await.context("asking for an upload")?;
    let mut put = http.put(upload["url"].as_str().context("no upload address")?);
    for (name, value) in upload["headers"].as_object().into_iter().flatten() {
        // The client sets these two itself.
        if ![CONTENT_LENGTH.as_str(), HOST.as_str()].contains(&name.as_str()) {
            put = put.header(name, value.as_str().unwrap_or_default());
        }
    }
    if upload["headers"].get(CONTENT_TYPE.as_str()).is_none() {
        put = put.header(CONTENT_TYPE, "image/jpeg");
    }
    let stored = put.body(photo.0.clone()).send().await.context("uploading")?;
    ensure!(stored.status().is_success(), "uploading: {}", stored.status());
    Ok(upload["objectKey"].as_str().context("no object key")?.to_owned())
}

async fn read(request: RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await?;
    ensure!(answer.status().is_success(), "{}", answer.status());
    Ok(answer.json().await?)
}

fn retry_after(answer: &Response) -> Duration {
    let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = header.and_then(|value| value.parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds)
}
