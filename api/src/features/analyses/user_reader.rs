//! Reading what is new for users' streams: those that are woken at the same moment on this replica share one round trip.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sqlx::MySqlConnection;
use tokio_util::task::TaskTracker;
use toneup_colour::analysis::{Analysis, find_all, list_active, list_active_of};
use toneup_jobs::job::JobId;
use toneup_notify::events::{Event, list_after, list_after_each};
use toneup_platform::batch::{Batcher, Limits};
use toneup_platform::database::Database;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::event_format::AnalysisEvents;
use crate::features::notifications::EventFormats;
use crate::http::problem::ApiError;

/// Events and analyses of one user that are read at once.
pub(super) const CHUNK: u32 = 100;

/// What one stream is told next.
#[derive(Debug, Clone, Default)]
pub(super) struct UserNews {
    /// Unfinished analyses, oldest first.
    pub(super) active: Vec<Analysis>,
    /// Events after the one seen last, in order.
    pub(super) events: Vec<Event>,
    /// Analyses that these events are about.
    pub(super) ended: HashMap<JobId, Analysis>,
    /// Names on the stream and contents of the other events, by subject.
    pub(super) others: HashMap<Uuid, (&'static str, Value)>,
}

/// A user, and the number of the event that the stream has seen last.
type Seen = (UserId, u64);

/// Reads for the streams of users. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct UserReader {
    reads: Batcher<Seen, UserNews, sqlx::Error>,
}

impl UserReader {
    /// Starts the task that gathers reads.
    pub(super) fn spawn(database: Database, formats: EventFormats, tasks: &TaskTracker) -> Self {
        let read = move |seen: Vec<Seen>| {
            let (database, formats) = (database.clone(), formats.clone());
            async move { database.batch(async |conn| read_all(conn, &formats, &seen).await).await }
        };
        Self { reads: Batcher::spawn(Limits::default(), tasks, read) }
    }

    /// Reads what is new for a stream of a user's that has seen the events up to `last`.
    pub(super) async fn read(&self, user: UserId, last: u64) -> Result<UserNews, ApiError> {
        Ok(self.reads.submit((user, last)).await?)
    }
}

async fn read_all(
    conn: &mut MySqlConnection,
    formats: &EventFormats,
    seen: &[Seen],
) -> Result<Vec<UserNews>, sqlx::Error> {
    // Of several streams of one user, each takes what it has not seen of what is read for all.
    let mut least: BTreeMap<UserId, u64> = BTreeMap::new();
    for (user, last) in seen {
        least.entry(*user).and_modify(|least| *least = (*least).min(*last)).or_insert(*last);
    }
    // Active ones first: one that ends in between is then among the events, not lost from both.
    let active = read_active(&mut *conn, &least).await?;
    let events = read_events(&mut *conn, &least, seen).await?;
    let all: Vec<Event> = events.values().flatten().cloned().collect();
    let analyses = all.iter().filter(|event| event.name.starts_with(AnalysisEvents::PREFIX));
    let ended = find_all(&mut *conn, analyses.map(|event| JobId(event.subject))).await?;
    let others = formats.read_streamed(conn, &all).await?;

    let ended: HashMap<JobId, Analysis> =
        ended.into_iter().map(|analysis| (analysis.id, analysis)).collect();
    let news = |seen: &Seen| {
        let events = events.get(seen).cloned().unwrap_or_default();
        let subjects = || events.iter().map(|event| event.subject);
        let ended = subjects().filter_map(|id| Some((JobId(id), ended.get(&JobId(id))?.clone())));
        let others = subjects().filter_map(|id| Some((id, others.get(&id)?.clone())));
        UserNews {
            active: active.get(&seen.0).cloned().unwrap_or_default(),
            ended: ended.collect(),
            others: others.collect(),
            events,
        }
    };
    Ok(seen.iter().map(news).collect())
}

/// Bound on the rows of one read for so many users.
fn limit(users: usize) -> u32 {
    u32::try_from(users).unwrap_or(u32::MAX).saturating_mul(CHUNK)
}

/// True if a read may have left rows out.
fn is_cut(rows: usize, limit: u32) -> bool {
    u32::try_from(rows).is_ok_and(|rows| rows >= limit)
}

async fn read_active(
    conn: &mut MySqlConnection,
    users: &BTreeMap<UserId, u64>,
) -> Result<HashMap<UserId, Vec<Analysis>>, sqlx::Error> {
    let (limit, mut active) = (limit(users.len()), HashMap::<_, Vec<Analysis>>::new());
    let found = list_active_of(&mut *conn, users.keys().copied(), limit).await?;
    if is_cut(found.len(), limit) {
        // Somebody has so many that others would be left out: each by itself.
        for user in users.keys() {
            active.insert(*user, list_active(&mut *conn, *user, CHUNK).await?);
        }
        return Ok(active);
    }
    for analysis in found {
        let own = active.entry(analysis.user).or_default();
        if own.len() < CHUNK as usize {
            own.push(analysis);
        }
    }
    Ok(active)
}

async fn read_events(
    conn: &mut MySqlConnection,
    least: &BTreeMap<UserId, u64>,
    seen: &[Seen],
) -> Result<HashMap<Seen, Vec<Event>>, sqlx::Error> {
    let (limit, mut events) = (limit(least.len()), HashMap::new());
    let found = list_after_each(&mut *conn, least, limit).await?;
    if is_cut(found.len(), limit) {
        for (user, last) in seen {
            events.insert((*user, *last), list_after(&mut *conn, *user, *last, CHUNK).await?);
        }
        return Ok(events);
    }
    let mut by_user: BTreeMap<UserId, Vec<Event>> = BTreeMap::new();
    for (user, event) in found {
        by_user.entry(user).or_default().push(event);
    }
    for (user, last) in seen {
        let own = by_user.get(user).into_iter().flatten();
        let new = own.filter(|event| event.sequence > *last).take(CHUNK as usize).cloned();
        events.insert((*user, *last), new.collect());
    }
    Ok(events)
}
