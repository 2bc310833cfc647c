//! The listener of hints: wakes the requests and the dispatchers that wait for a change.

use tokio::sync::watch;
use toneup_jobs::hints;
use toneup_notify::ChannelKind;
use toneup_platform::config::RedisConfig;
use toneup_platform::shutdown::Shutdown;

use crate::features::analyses::Watchers;
use crate::features::notifications::Dispatchers;

/// Listens to hints until `shutdown` drains. `connected` reports whether hints arrive.
pub(super) fn spawn_hint_listener(
    redis: RedisConfig,
    watchers: Watchers,
    dispatchers: Dispatchers,
    connected: watch::Sender<bool>,
    shutdown: &Shutdown,
) {
    let draining = shutdown.draining.clone();
    let listening = hints::listen(redis, connected, draining, move |changed| {
        watchers.wake(changed.user);
        for channel in changed.topics.iter().filter_map(|topic| ChannelKind::named(topic)) {
            dispatchers.wake(channel);
        }
    });
    shutdown.tasks.spawn(listening);
}
