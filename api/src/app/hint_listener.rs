//! The listener of hints: wakes the requests and the dispatchers that wait for a change.

use tokio::sync::watch;
use toneup_shared::config::RedisConfig;
use toneup_shared::hints;
use toneup_shared::shutdown::Shutdown;

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
        for channel in changed.channels {
            dispatchers.wake(channel);
        }
    });
    shutdown.tasks.spawn(listening);
}
