//! Sending of hints about notices, after the commit of the transaction that wrote them.

use std::collections::BTreeSet;

use toneup_jobs::hints::Hints;
use toneup_jobs::job::{Changed, JobId};
use toneup_notify::notices::Told;

/// Wakes the streams and dispatchers that notices concern. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct NoticePost(Hints);

impl NoticePost {
    /// Sends through `hints`.
    pub(crate) fn new(hints: Hints) -> Self {
        Self(hints)
    }

    /// Sends hints about notices that are committed. They may be lost: streams and dispatchers look by the clock, too.
    pub(crate) fn send(&self, told: impl IntoIterator<Item = Told>) {
        self.0.send(told.into_iter().map(hint));
    }
}

fn hint(told: Told) -> Changed {
    let topics: BTreeSet<String> =
        told.channels.into_iter().map(|channel| channel.as_str().to_owned()).collect();
    Changed {
        user: told.user,
        job: JobId(told.notice.0),
        kind: "notice".to_owned(),
        version: 0,
        topics,
    }
}
