//! Starting conversations: the writer, the hub, the Socket.IO server.

use tokio::sync::watch;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::Database;
use toneup_platform::leader::Leadership;
use toneup_platform::shutdown::Shutdown;

use super::hints::ChatHints;
use super::hub::{Hub, HubParts, Presence};
use super::notifier;
use super::settings::ChatSettings;
use super::socket::{Doors, SocketServer, open};
use super::state::ChatState;
use super::writer::Writer;
use crate::features::accounts::AccountsState;
use crate::features::analyses::Watchers;
use crate::features::notices::NoticePost;
use crate::features::pictures::PictureUrls;
use crate::http::identity::Authenticator;
use crate::http::limits::RateLimiter;

/// What conversations are built on.
#[derive(Debug)]
pub(crate) struct Dependencies<'a> {
    pub(crate) settings: ChatSettings,
    pub(crate) redis: &'a RedisConfig,
    pub(crate) pool: Database,
    pub(crate) limiter: RateLimiter,
    pub(crate) pictures: PictureUrls,
    pub(crate) watchers: Watchers,
    pub(crate) accounts: AccountsState,
    pub(crate) authenticator: Authenticator,
    /// Sends hints of notices.
    pub(crate) post: NoticePost,
    /// Leadership in telling those who are away.
    pub(crate) leadership: Leadership,
}

/// Starts the writer, the listener of hints and the Socket.IO server.
pub(crate) fn start(
    parts: Dependencies<'_>,
    shutdown: &Shutdown,
) -> anyhow::Result<(ChatState, SocketServer)> {
    let (tasks, draining) = (&shutdown.tasks, &shutdown.draining);
    let hints = ChatHints::spawn(parts.redis, tasks)?;
    let (connected, hinted) = watch::channel(false);
    let hub = Hub::start(HubParts {
        pool: parts.pool.clone(),
        urls: parts.pictures.clone(),
        hints: hints.clone(),
        presence: Presence::new(parts.redis)?,
        per_user: parts.settings.sockets_per_user,
        most: parts.settings.sockets_per_replica,
        hinted,
        tasks: tasks.clone(),
        draining: draining.clone(),
    });
    let listener = hub.clone();
    tasks.spawn(hints.listen(parts.redis.clone(), connected, draining.clone(), move |hint| {
        listener.hear(hint);
    }));
    let state = ChatState {
        writer: Writer::spawn(parts.pool.clone(), hub.clone(), tasks),
        pool: parts.pool,
        limiter: parts.limiter,
        pictures: parts.pictures,
        hub,
        watchers: parts.watchers,
    };
    let (pool, teller) = (state.pool.clone(), state.hub.clone());
    tasks.spawn(notifier::run(pool, teller, parts.post, parts.leadership, draining.clone()));
    let doors =
        Doors { chat: state.clone(), accounts: parts.accounts, authenticator: parts.authenticator };
    let sockets = open(doors, tasks, draining.clone());
    Ok((state, sockets))
}
