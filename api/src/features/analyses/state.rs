//! The state of analyses.

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use toneup_colour::analysis::ANALYSIS;
use toneup_colour::config::ColourConfig;
use toneup_colour::photo_answers::Answers;
use toneup_jobs::engine::Engine;
use toneup_jobs::submitter::Submitter;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::Database;
use toneup_platform::objects::Objects;
use toneup_platform::shutdown::Shutdown;

use super::fallback_poll;
use super::photo_memory::PhotoMemory;
use super::queue_view::QueueView;
use super::reader::Reader;
use super::settings::AnalysesSettings;
use super::stream_slots::StreamSlots;
use super::user_reader::UserReader;
use super::watch::Watchers;
use crate::features::notifications::{EventFormats, WebhookUrls};
use crate::features::uploads::{Seal, UploadQuota};
use crate::http::limits::{Policy, RateLimiter};

/// The services that analyses are built on.
#[derive(Debug)]
pub(crate) struct Dependencies<'a> {
    /// The limits of analyses.
    pub colour: ColourConfig,
    /// The settings of analyses.
    pub settings: &'a AnalysesSettings,
    /// Redis, which holds the analyzers' capacity.
    pub redis: &'a RedisConfig,
    /// Accepts and ends jobs.
    pub engine: Engine,
    /// Access to the object store that holds the photos.
    pub objects: Objects,
    /// Reads photos' digests out of object keys.
    pub seal: Seal,
    /// Counts photos that come in forms.
    pub quota: UploadQuota,
    /// Counts what else is limited by the hour.
    pub limiter: RateLimiter,
    /// The requests that wait for a change.
    pub watchers: Watchers,
    /// What else a user's stream tells.
    pub formats: EventFormats,
    /// Checks the URLs that come with submits.
    pub webhooks: WebhookUrls,
}

/// The part of the application's state that analyses use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AnalysesState {
    pub(super) colour: ColourConfig,
    pub(super) engine: Engine,
    pub(super) pool: Database,
    pub(super) submitter: Submitter,
    pub(super) reader: Reader,
    pub(super) user_reader: UserReader,
    pub(super) answers: Answers,
    pub(super) objects: Objects,
    pub(super) seal: Seal,
    pub(super) quota: UploadQuota,
    pub(super) limiter: RateLimiter,
    /// Rate limit of submits per user.
    pub(super) submits: Policy,
    /// Rate limit of cancellations per user.
    pub(super) cancels: Policy,
    pub(super) watchers: Watchers,
    pub(super) webhooks: WebhookUrls,
    pub(super) queue: QueueView,
    pub(super) photo_memory: PhotoMemory,
    pub(super) stream_slots: StreamSlots,
    pub(super) draining: CancellationToken,
}

impl AnalysesState {
    /// Starts the background tasks of analyses on `shutdown`.
    pub(crate) fn start(services: Dependencies<'_>, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let Dependencies {
            colour,
            settings,
            redis,
            engine,
            objects,
            seal,
            quota,
            limiter,
            watchers,
            formats,
            webhooks,
        } = services;
        let (tasks, draining) = (&shutdown.tasks, shutdown.draining.clone());
        let pool = engine.database.clone();
        let analysis = engine.kinds.get(ANALYSIS).context("the analysis is a kind of job")?;
        tasks.spawn(fallback_poll::run(pool.clone(), watchers.clone(), draining.clone()));
        Ok(Self {
            queue: QueueView::spawn(pool.clone(), redis, analysis.share.clone(), shutdown)?,
            answers: Answers::spawn(pool.clone(), colour.photo_reuse, tasks),
            reader: Reader::spawn(pool.clone(), tasks),
            user_reader: UserReader::spawn(pool.clone(), formats, tasks),
            submitter: Submitter::spawn(engine.clone(), analysis.clone(), tasks),
            colour,
            engine,
            pool,
            objects,
            seal,
            quota,
            limiter,
            submits: Policy::per_hour("submits", settings.submits_per_hour),
            cancels: Policy::per_hour("cancellations", settings.cancels_per_hour),
            watchers,
            webhooks,
            photo_memory: PhotoMemory::new(u64::from(settings.form_photos_mib) * 1024 * 1024),
            stream_slots: StreamSlots::new(settings.streams_per_user, settings.streams_per_replica),
            draining,
        })
    }

    /// The queue as of about a second ago.
    pub(crate) fn queue(&self) -> QueueView {
        self.queue.clone()
    }
}
