//! The contenders, and how each is started: a front at one port, a worker, and the servers that it needs.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_sdk_s3::Client as S3;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::presigning::PresigningConfig;
use futures_util::{StreamExt, TryStreamExt};
use rustix::process::Pid;
use serde_json::json;
use tokio::process::Command;

use super::crowd::{Caller, Crowd};
use crate::load::{Photo, User};
use crate::site::process::{free_port, output};
use crate::site::servers::{Analyzer, OwnRedis};
use crate::site::{Plan, Services, Site, repository, until_ready};
use crate::stub::Settings;

/// Clients, each a user with a stream.
const USERS: usize = 100;
/// Size of the photo.
const PHOTO_BYTES: usize = 20_000;
/// Lifetime of the photo's presigned URL.
const PHOTO_TTL: Duration = Duration::from_hours(1);

/// Program of the apalis peer.
const APALIS: &str = ".local/peers/apalis/release/apalis-peer";

/// A job system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contender {
    ToneUp,
    Rows,
    Apalis,
    BullMq,
    Celery,
}

/// Work of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing.
    Engine,
    /// The photo from S3 to an analyzer that answers in a millisecond.
    Analysis,
}

impl Part {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Analysis => "analysis",
        }
    }
}

impl Contender {
    pub(super) const ALL: [Self; 5] =
        [Self::ToneUp, Self::Rows, Self::Apalis, Self::BullMq, Self::Celery];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ToneUp => "toneup",
            Self::Rows => "rows on MariaDB",
            Self::Apalis => "apalis on Redis",
            Self::BullMq => "BullMQ on Redis",
            Self::Celery => "Celery on RabbitMQ",
        }
    }

    /// File without which the contender cannot be started, from the root of the repository.
    fn needs(self) -> Option<&'static str> {
        match self {
            Self::ToneUp | Self::Rows => None,
            Self::Apalis => Some(APALIS),
            Self::BullMq => Some("bench/peers/bullmq/node_modules/bullmq"),
            Self::Celery => Some(".local/venv/bin/celery"),
        }
    }

    /// Commands of the front and of the worker.
    fn commands(self) -> anyhow::Result<[Command; 2]> {
        if let Some(file) = self.needs() {
            ensure!(repository().join(file).exists(), "no {file}: scripts/setup.sh peers");
        }
        let peers = repository().join("bench/peers");
        let ours = |name: &str, role: &str| {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["contender", name, role]);
            anyhow::Ok(command)
        };
        let program = |program: std::path::PathBuf, folder: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(peers.join(folder));
            command
        };
        let venv = repository().join(".local/venv/bin");
        Ok(match self {
            Self::ToneUp => [ours("engine", "front")?, ours("engine", "worker")?],
            Self::Rows => [ours("rows", "front")?, ours("rows", "worker")?],
            Self::Apalis => {
                let built = repository().join(APALIS);
                ["front", "worker"].map(|role| program(built.clone(), "apalis", &[role]))
            }
            Self::BullMq => {
                ["front.js", "worker.js"].map(|file| program("node".into(), "bullmq", &[file]))
            }
            Self::Celery => [
                program(venv.join("python"), ".", &["celery_durable.py"]),
                program(
                    venv.join("celery"),
                    ".",
                    &["-A", "celery_durable", "worker", "-P", "threads", "-c", "64"],
                ),
            ],
        })
    }
}

/// A contender that serves, with its clients.
pub(super) struct Running {
    pub(super) site: Site,
    pub(super) crowd: Crowd,
    redis: Option<OwnRedis>,
    _analyzer: Option<Analyzer>,
}

impl Running {
    /// Starts a contender with one front and one worker.
    pub(super) async fn start(
        services: &Services,
        contender: Contender,
        part: Part,
    ) -> anyhow::Result<Self> {
        match (contender, part) {
            (Contender::ToneUp, Part::Analysis) => Self::product(services, 1, 1).await,
            _ => Self::peer(services, contender, part).await,
        }
    }

    /// Starts ToneUp with so many APIs, one or two, and workers.
    pub(super) async fn product(
        services: &Services,
        apis: usize,
        workers: usize,
    ) -> anyhow::Result<Self> {
        let analyzer = Analyzer::start("overhead-stub", &stub()).await?;
        let plan = Plan::new("overhead", vec![analyzer.url.clone()]);
        let mut site = Site::open(services, plan).await?;
        let mut urls = vec![site.api.clone()];
        urls.extend(site.start_more_apis(apis.saturating_sub(1)).await?);
        site.start_workers(workers, &[]).await?;
        let crowd = Crowd::gather(callers(&urls).await?).await?;
        Ok(Self { site, crowd, redis: None, _analyzer: Some(analyzer) })
    }

    async fn peer(services: &Services, contender: Contender, part: Part) -> anyhow::Result<Self> {
        let mut site = Site::bare(services, Plan::new("overhead-peer", Vec::new())).await?;
        let mut more = Vec::new();
        let redis = match contender {
            Contender::Apalis | Contender::BullMq => Some(OwnRedis::start_durable().await?),
            _ => None,
        };
        if let Some(redis) = &redis {
            more.push(("REDIS_URL".to_owned(), redis.url.clone()));
        }
        let analyzer = match part {
            Part::Engine => None,
            Part::Analysis => Some(Analyzer::start("overhead-peer-stub", &stub()).await?),
        };
        if let Some(analyzer) = &analyzer {
            more.push(("ANALYZER_URL".to_owned(), analyzer.url.clone()));
            more.push(("PHOTO_URL".to_owned(), store_photo(services).await?));
        }
        let port = free_port()?;
        more.push(("PORT".to_owned(), port.to_string()));
        more.push(("LISTEN".to_owned(), format!("127.0.0.1:{port}")));
        more.push(("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()));
        let [front, worker] = contender.commands()?;
        let url = format!("http://127.0.0.1:{port}");
        for (role, mut command) in [("front", front), ("worker", worker)] {
            command.stdout(output(&format!("overhead-peer-{role}"))?).stdin(Stdio::null());
            site.start_other(role, command, &more)?;
            if role == "front" {
                until_ready(&url, "overhead-peer-front").await?;
            }
        }
        let callers = (0..USERS).map(|user| Caller::of_peer(&url, user)).collect();
        let crowd = Crowd::gather(callers).await?;
        Ok(Self { site, crowd, redis, _analyzer: analyzer })
    }

    /// Process id of the contender's own Redis.
    pub(super) fn redis(&self) -> Option<Pid> {
        self.redis.as_ref().and_then(OwnRedis::id)
    }

    /// Ends everything.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        drop(self.crowd);
        self.site.close().await
    }
}

/// An analyzer that costs nearly nothing.
fn stub() -> Settings {
    Settings { slots: 64, service_ms: 1.0, ..Settings::default() }
}

/// Signs users in, in turn at each API.
async fn callers(apis: &[String]) -> anyhow::Result<Vec<Caller>> {
    const AT_ONCE: usize = 8;
    let http = crate::load::target::http()?;
    let mut photo = Photo::made_up();
    photo.0.truncate(PHOTO_BYTES);
    let signing_in = (0..USERS).map(|user| {
        let (http, photo, api) = (&http, &photo, &apis[user % apis.len()]);
        async move {
            let user = User::sign_in(http, api, photo).await?;
            anyhow::Ok(Caller {
                submit: format!("{api}/v1/analyses"),
                events: format!("{api}/v1/events"),
                token: Some(user.token().to_owned()),
                body: json!({ "objectKey": user.object_key() }),
            })
        }
    });
    futures_util::stream::iter(signing_in).buffer_unordered(AT_ONCE).try_collect().await
}

/// Stores the photo; returns a presigned URL from which the peers read it.
async fn store_photo(services: &Services) -> anyhow::Result<String> {
    let (id, secret) = (&services.s3_access_key_id, &services.s3_secret_access_key);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(services.s3_endpoint.as_str())
        .credentials_provider(Credentials::new(id, secret, None, None, "bench"))
        .force_path_style(true)
        .build();
    let (s3, bucket, key) = (S3::from_conf(config), &services.s3_bucket, "bench/overhead.jpg");
    let ttl = PresigningConfig::expires_in(PHOTO_TTL)?;
    let put = s3.put_object().bucket(bucket).key(key).presigned(ttl.clone()).await?;
    let mut photo = Photo::made_up();
    photo.0.truncate(PHOTO_BYTES);
    let stored = crate::load::target::http()?.put(put.uri()).body(photo.0).send().await;
    let stored = stored.context("storing the photo")?;
    ensure!(stored.status().is_success(), "storing the photo: {}", stored.status());
    Ok(s3.get_object().bucket(bucket).key(key).presigned(ttl).await?.uri().to_owned())
}
