//! The composition of the features: their states, their routes, and what they supply to the rest of the application.

use std::sync::Arc;

use axum::extract::FromRef;
use toneup_platform::database::Database;
use toneup_platform::metrics::Metric;
use toneup_platform::shutdown::Shutdown;
use utoipa_axum::router::OpenApiRouter;

use super::config::ApiConfig;
use super::platform::Platform;
use super::state::AppState;
use crate::features::accounts::{self, AccountsState};
use crate::features::admin::{self, AdminState};
use crate::features::analyses::{self, AnalysesState, AnalysisEvents, Watchers};
use crate::features::catalogue::{self, CatalogueState};
use crate::features::chat::{self, ChatState, SocketServer};
use crate::features::comments::{self, CommentsState};
use crate::features::legacy_app;
use crate::features::likes::{self, LikesState, ProductLikes};
use crate::features::notices::{self, NoticePost, NoticesState};
use crate::features::notifications::{
    self, CallbackKey, EventFormats, NotificationsState, WebhookUrls,
};
use crate::features::people::{self, PeopleState};
use crate::features::personal_data::{self, PersonalDataState};
use crate::features::pictures::{self, PictureUrls, PicturesState};
use crate::features::posts::{self, PostCounts, PostsState};
use crate::features::reports::{self, ReportsState};
use crate::features::sign_in::{self, SignInState};
use crate::features::uploads::{self, UploadsState};
use crate::features::{FeatureSettings, PROBLEMS};
use crate::http::export::Export;
use crate::http::idempotency;
use crate::http::identity::Authenticator;
use crate::http::problem::{self, ErrorWriter, ProblemKind};
use crate::http::purge::Purge;

/// The features' states. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Features {
    pub(super) accounts: AccountsState,
    pub(super) admin: AdminState,
    pub(super) analyses: AnalysesState,
    pub(super) catalogue: CatalogueState,
    pub(super) comments: CommentsState,
    pub(super) likes: LikesState,
    pub(super) chat: ChatState,
    pub(super) sockets: SocketServer,
    pub(super) notices: NoticesState,
    pub(super) notifications: NotificationsState,
    pub(super) people: PeopleState,
    pub(super) personal_data: PersonalDataState,
    pub(super) pictures: PicturesState,
    pub(super) posts: PostsState,
    pub(super) reports: ReportsState,
    pub(super) sign_in: SignInState,
    pub(super) uploads: UploadsState,
}

/// Hands each feature its own state.
macro_rules! hand_out {
    ($($feature:ident: $state:ty),+ $(,)?) => {$(
        impl FromRef<AppState> for $state {
            fn from_ref(state: &AppState) -> Self {
                state.features.$feature.clone()
            }
        }
    )+};
}

hand_out! {
    accounts: AccountsState,
    admin: AdminState,
    analyses: AnalysesState,
    catalogue: CatalogueState,
    comments: CommentsState,
    likes: LikesState,
    chat: ChatState,
    notices: NoticesState,
    notifications: NotificationsState,
    people: PeopleState,
    personal_data: PersonalDataState,
    pictures: PicturesState,
    posts: PostsState,
    reports: ReportsState,
    sign_in: SignInState,
    uploads: UploadsState,
}

impl Features {
    /// Builds the features' states, and starts their background tasks on `shutdown`.
    pub(super) fn start(
        config: &ApiConfig,
        platform: &Platform,
        watchers: &Watchers,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let Platform { pool, engine, objects, registry, limiter, .. } = platform;
        let settings = config.features.clone();
        let uploads = start_uploads(config, platform, shutdown)?;
        let urls = PictureUrls::new(config.page_origins.page());
        let formats = event_formats(&urls);
        let post = NoticePost::new(engine.hints.clone());
        let analyses = for_analyses(config, platform, watchers, &uploads, &formats);
        let analyses = AnalysesState::start(analyses, shutdown)?;
        let admin = admin::Dependencies {
            engine: engine.clone(),
            registry: registry.clone(),
            watchers: watchers.clone(),
            queue: analyses.queue(),
        };
        let (pool, limiter) = (pool.clone(), limiter.clone());
        let accounts = AccountsState::start(
            settings.accounts,
            &config.redis,
            pool.clone(),
            limiter.clone(),
            shutdown,
        )?;
        let conversations = for_chat(config, platform, watchers, &accounts, &urls);
        let (chat, sockets) = chat::start(conversations, shutdown)?;
        let notifications = start_notifications(config, platform, &formats, &accounts, shutdown)?;
        let sign_in = sign_in::Dependencies {
            pool: pool.clone(),
            limiter: limiter.clone(),
            accounts: accounts.clone(),
            notifications: notifications.clone(),
            origin: config.page_origins.page().clone(),
            vault: settings.notifications.vault.clone(),
            leadership: platform.maintenance.clone(),
        };
        Ok(Self {
            accounts,
            admin: AdminState::start(admin, shutdown),
            analyses,
            catalogue: start_catalogue(config, &pool, shutdown)?,
            chat,
            sockets,
            notices: NoticesState::new(pool.clone(), urls.clone()),
            notifications,
            comments: CommentsState::new(pool.clone(), limiter.clone(), urls.clone(), post.clone()),
            reports: ReportsState::new(pool.clone(), limiter.clone()),
            likes: start_likes(platform, &urls, &post, shutdown),
            people: people_state(platform, &urls, &post),
            personal_data: PersonalDataState::new(pool.clone(), limiter.clone(), exports(&urls)),
            posts: PostsState::new(pool.clone(), objects.clone(), limiter.clone(), urls.clone()),
            pictures: PicturesState::new(pool, objects.clone(), limiter, urls),
            sign_in: SignInState::start(settings.sign_in, sign_in, shutdown)?,
            uploads,
        })
    }
}

fn start_uploads(
    config: &ApiConfig,
    platform: &Platform,
    shutdown: &Shutdown,
) -> anyhow::Result<UploadsState> {
    let settings = &config.features.uploads;
    let stores = (platform.pool.clone(), platform.objects.clone());
    let (limiter, leadership) = (platform.limiter.clone(), platform.maintenance.clone());
    UploadsState::start(settings, stores, limiter, leadership, shutdown)
}

fn start_notifications(
    config: &ApiConfig,
    platform: &Platform,
    formats: &EventFormats,
    accounts: &AccountsState,
    shutdown: &Shutdown,
) -> anyhow::Result<NotificationsState> {
    let settings = config.features.notifications.clone();
    let (pool, limiter) = (platform.pool.clone(), platform.limiter.clone());
    let callbacks = CallbackKey::new(accounts.secret().derive("webhooks of single submits", b""))?;
    let leadership = platform.maintenance.clone();
    NotificationsState::start(settings, formats, callbacks, pool, limiter, leadership, shutdown)
}

/// What analyses are built on.
fn for_analyses<'a>(
    config: &'a ApiConfig,
    platform: &Platform,
    watchers: &Watchers,
    uploads: &UploadsState,
    formats: &EventFormats,
) -> analyses::Dependencies<'a> {
    analyses::Dependencies {
        colour: config.colour,
        settings: &config.features.analyses,
        redis: &config.redis,
        engine: platform.engine.clone(),
        objects: platform.objects.clone(),
        seal: uploads.seal.clone(),
        quota: uploads.quota.clone(),
        limiter: platform.limiter.clone(),
        watchers: watchers.clone(),
        formats: formats.clone(),
        webhooks: WebhookUrls::new(&config.features.notifications),
    }
}

/// What conversations are built on.
fn for_chat<'a>(
    config: &'a ApiConfig,
    platform: &Platform,
    watchers: &Watchers,
    accounts: &AccountsState,
    pictures: &PictureUrls,
) -> chat::Dependencies<'a> {
    chat::Dependencies {
        settings: config.features.chat,
        redis: &config.redis,
        pool: platform.pool.clone(),
        limiter: platform.limiter.clone(),
        pictures: pictures.clone(),
        watchers: watchers.clone(),
        accounts: accounts.clone(),
        authenticator: Authenticator::new(accounts.live_tokens()),
        post: NoticePost::new(platform.engine.hints.clone()),
        leadership: platform.maintenance.clone(),
    }
}

fn start_catalogue(
    config: &ApiConfig,
    pool: &Database,
    shutdown: &Shutdown,
) -> anyhow::Result<CatalogueState> {
    let likes = Arc::new(ProductLikes(pool.clone()));
    CatalogueState::start(config.features.catalogue.clone(), pool.clone(), likes, shutdown)
}

fn start_likes(
    platform: &Platform,
    urls: &PictureUrls,
    post: &NoticePost,
    shutdown: &Shutdown,
) -> LikesState {
    let (pool, limiter) = (platform.pool.clone(), platform.limiter.clone());
    LikesState::start(pool, limiter, urls.clone(), post.clone(), shutdown)
}

fn people_state(platform: &Platform, urls: &PictureUrls, post: &NoticePost) -> PeopleState {
    let (pool, limiter) = (platform.pool.clone(), platform.limiter.clone());
    let counts = Arc::new(PostCounts(pool.clone()));
    PeopleState::new(pool, limiter, urls.clone(), counts, post.clone())
}

/// Returns the routes of all features.
pub(super) fn routes(settings: &FeatureSettings) -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(uploads::routes())
        .merge(analyses::routes())
        .merge(catalogue::routes())
        .merge(chat::routes())
        .merge(notices::routes())
        .merge(notifications::routes())
        .merge(people::routes())
        .merge(personal_data::routes())
        .merge(pictures::routes())
        .merge(posts::routes())
        .merge(likes::routes())
        .merge(comments::routes())
        .merge(reports::routes())
        .merge(sign_in::routes())
        .merge(legacy_app::routes(settings.legacy_app))
        .merge(admin::routes())
}

/// The metrics that the api exports.
pub fn metrics() -> Vec<&'static [Metric]> {
    vec![
        toneup_platform::metrics::METRICS,
        toneup_jobs::metrics::METRICS,
        crate::http::measure::METRICS,
        analyses::METRICS,
        chat::METRICS,
        notifications::METRICS,
    ]
}

/// The features' retention rules.
pub fn purges(settings: &FeatureSettings) -> Vec<Purge> {
    let mut purges = accounts::purges();
    purges.extend(analyses::purges(&settings.analyses));
    purges.extend(catalogue::purges());
    purges.extend(chat::purges());
    purges.extend(notices::purges(&settings.notices));
    purges.extend(notifications::purges(&settings.notifications));
    purges.extend(personal_data::purges());
    purges.extend(reports::purges());
    purges.extend(pictures::purges());
    purges.extend(posts::purges());
    purges.push(idempotency::purge(settings.analyses.idempotency_ttl));
    purges
}

/// Returns the features' exports of a user's data, in the order of the exported document.
fn exports(urls: &PictureUrls) -> Vec<Export> {
    let mut exports = people::exports();
    exports.extend(pictures::exports(urls));
    exports.extend(posts::exports(urls));
    exports.extend(likes::exports());
    exports.extend(comments::exports());
    exports.extend(reports::exports());
    exports.extend(analyses::exports());
    exports.extend(chat::exports());
    exports.extend(notices::exports());
    exports.extend(notifications::exports());
    exports.extend(accounts::exports());
    exports.extend(sign_in::exports());
    exports
}

/// The formats of the events that users are notified of.
fn event_formats(urls: &PictureUrls) -> EventFormats {
    let mut formats = notices::formats(urls);
    formats.push((AnalysisEvents::PREFIX, Box::new(AnalysisEvents)));
    EventFormats::new(formats)
}

/// Every kind of problem that a request can end with.
pub fn problems() -> Vec<ProblemKind> {
    let features = PROBLEMS.iter().flat_map(|problems| problems.iter());
    let edge = problem::PROBLEMS.iter().chain(idempotency::PROBLEMS);
    edge.chain(features).copied().collect()
}

/// The features that write errors in a format of their own, by path prefix.
pub(super) fn error_writers() -> [(&'static str, ErrorWriter); 1] {
    [(legacy_app::PREFIX, legacy_app::write_error)]
}
