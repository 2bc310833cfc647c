//! Creation of deliveries, in the transaction of the event that they announce.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;
use sqlx::{MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::{ChannelKind, DeliveryId, TargetId};
use toneup_platform::database::{bind_list, json_rows, micros};
use toneup_platform::identity::UserId;

/// An event to deliver to a target.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NewDelivery {
    /// Identifier of the delivery.
    pub id: DeliveryId,
    /// Target to deliver to.
    pub target: TargetId,
    /// Name of the event.
    pub event: &'static str,
    /// Identifier of the event's subject; `None` if there is none, as for a ping.
    pub subject: Option<Uuid>,
    /// Microseconds until it is due.
    delay: i64,
}

impl NewDelivery {
    /// Creates a delivery that is due at once, and whose id sorts after all ids generated before.
    pub fn new(target: TargetId, event: &'static str, subject: Option<Uuid>) -> Self {
        Self { id: DeliveryId(Uuid::now_v7()), target, event, subject, delay: 0 }
    }

    /// The same, due after `delay`.
    fn after(self, delay: Duration) -> Self {
        Self { delay: micros(delay), ..self }
    }
}

/// An event to announce to the targets of its user.
#[derive(Debug, Clone, Copy)]
pub struct Announcement {
    /// User whose targets are notified.
    pub user: UserId,
    /// Name of the event.
    pub event: &'static str,
    /// Identifier of the event's subject.
    pub subject: Uuid,
    /// Targets that are notified.
    pub audience: Audience,
    /// Time for which browsers and phones are left alone.
    pub quiet: Duration,
    /// True if a target is told no second time while a delivery about the subject waits: it tells how things stand when it
    /// is sent.
    pub folds: bool,
}

/// Targets that an event is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// All targets of the user.
    Everyone,
    /// Webhooks only: the user caused the event and needs no notification of it.
    Servers,
}

impl Audience {
    fn includes(self, channel: ChannelKind) -> bool {
        self == Self::Everyone || channel == ChannelKind::Webhook
    }
}

/// Creates the deliveries of events to the enabled targets of their users, in the caller's transaction. A single query
/// if no user has a target. Returns for each event the channels on which a delivery became due.
pub async fn announce(
    conn: &mut MySqlConnection,
    announcements: &[Announcement],
) -> Result<Vec<BTreeSet<ChannelKind>>, sqlx::Error> {
    let users: BTreeSet<UserId> = announcements.iter().map(|item| item.user).collect();
    let targets = find_targets(&mut *conn, users).await?;
    let waiting = find_waiting(&mut *conn, announcements, &targets).await?;
    let mut new = Vec::new();
    let mut channels = vec![BTreeSet::new(); announcements.len()];
    for (item, due) in announcements.iter().zip(&mut channels) {
        let of_user = targets.get(&item.user).into_iter().flatten();
        let told = of_user
            .filter(|target| item.audience.includes(target.channel) && target.wants(item.event));
        for Told { target, channel, .. } in told {
            if waiting.contains(&(*target, item.subject)) {
                continue;
            }
            let delivery = NewDelivery::new(*target, item.event, Some(item.subject));
            let is_device = *channel != ChannelKind::Webhook;
            let quiet = if is_device { item.quiet } else { Duration::ZERO };
            new.push(delivery.after(quiet));
            if quiet.is_zero() {
                due.insert(*channel);
            }
        }
    }
    insert(conn, &new).await?;
    Ok(channels)
}

/// Finds for which targets a delivery about the subject of a folding announcement waits, that was never tried.
async fn find_waiting(
    conn: &mut MySqlConnection,
    announcements: &[Announcement],
    targets: &HashMap<UserId, Vec<Told>>,
) -> Result<HashSet<(TargetId, Uuid)>, sqlx::Error> {
    let folding: Vec<&Announcement> = announcements.iter().filter(|item| item.folds).collect();
    let subjects: BTreeSet<Uuid> = folding.iter().map(|item| item.subject).collect();
    let asked: BTreeSet<TargetId> = folding
        .iter()
        .flat_map(|item| targets.get(&item.user).into_iter().flatten())
        .map(|told| told.target)
        .collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT target_id, subject_id FROM push_deliveries FORCE INDEX (push_deliveries_due)
         WHERE due_at IS NOT NULL AND attempt = 0 AND target_id IN ",
    );
    bind_list(&mut query, asked.into_iter());
    query.push(" AND subject_id IN ");
    bind_list(&mut query, subjects.into_iter());
    let rows: Vec<(TargetId, Uuid)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// An enabled target.
#[derive(Debug)]
struct Told {
    target: TargetId,
    channel: ChannelKind,
    events: Option<String>,
}

impl Told {
    /// True if the target is to receive events of this name.
    fn wants(&self, event: &str) -> bool {
        self.events.as_ref().is_none_or(|events| events.split(',').any(|wanted| wanted == event))
    }
}

/// Finds the enabled targets of users. Channels unknown to this version are skipped.
async fn find_targets(
    conn: &mut MySqlConnection,
    users: BTreeSet<UserId>,
) -> Result<HashMap<UserId, Vec<Told>>, sqlx::Error> {
    let mut targets: HashMap<UserId, Vec<Told>> = HashMap::new();
    if users.is_empty() {
        return Ok(targets);
    }
    let mut query = QueryBuilder::new(
        "SELECT user_id, id, channel, events FROM push_targets
         WHERE disabled_at IS NULL AND user_id IN ",
    );
    bind_list(&mut query, users.into_iter());
    // Callbacks, of which a user may have many, are told of their own subject alone.
    query.push(" AND channel IN ");
    bind_list(&mut query, ChannelKind::REGISTERED.iter().map(|channel| channel.as_str()));
    let found: Vec<(UserId, TargetId, String, Option<String>)> =
        query.build_query_as().fetch_all(conn).await?;
    for (user, target, channel, events) in found {
        if let Some(channel) = ChannelKind::named(&channel) {
            targets.entry(user).or_default().push(Told { target, channel, events });
        }
    }
    Ok(targets)
}

/// Inserts deliveries, and makes their targets due when they are; does nothing for an empty list.
pub async fn insert(conn: &mut MySqlConnection, new: &[NewDelivery]) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO push_deliveries (id, target_id, event, subject_id, state, due_at, created_at)
         SELECT UNHEX(REPLACE(r.id, '-', '')), UNHEX(REPLACE(r.target, '-', '')), r.event,
                UNHEX(REPLACE(r.subject, '-', '')), 'pending',
                NOW(3) + INTERVAL r.delay MICROSECOND, NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             id CHAR(36) PATH '$.id', target CHAR(36) PATH '$.target',
             event VARCHAR(40) PATH '$.event', subject CHAR(36) PATH '$.subject',
             delay BIGINT UNSIGNED PATH '$.delay')) AS r",
        json_rows(new)?,
    )
    .execute(&mut *conn)
    .await?;
    // Nearly always all at once.
    let mut by_delay: BTreeMap<i64, BTreeSet<TargetId>> = BTreeMap::new();
    for delivery in new {
        by_delay.entry(delivery.delay).or_default().insert(delivery.target);
    }
    for (delay, targets) in by_delay {
        wake(&mut *conn, targets, delay).await?;
    }
    Ok(())
}

/// Makes targets due after `delay` microseconds, as soon as no sender holds them and their rest is over.
async fn wake(
    conn: &mut MySqlConnection,
    targets: BTreeSet<TargetId>,
    delay: i64,
) -> Result<(), sqlx::Error> {
    const MOMENT: &str = " MICROSECOND, COALESCE(held_until, NOW(3)))";
    let mut query = QueryBuilder::new(
        "UPDATE push_targets
         SET due_at = LEAST(COALESCE(due_at, GREATEST(NOW(3) + INTERVAL ",
    );
    query.push_bind(delay).push(MOMENT).push("), GREATEST(NOW(3) + INTERVAL ");
    query.push_bind(delay).push(MOMENT).push(") WHERE disabled_at IS NULL AND id IN ");
    bind_list(&mut query, targets.into_iter());
    query.build().execute(conn).await.map(drop)
}
