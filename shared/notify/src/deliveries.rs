//! Creation of deliveries, in the transaction of the event that they announce.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use sqlx::{MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::{ChannelKind, DeliveryId, TargetId};
use toneup_platform::database::{bind_list, json_rows};
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
}

impl NewDelivery {
    /// Creates a delivery whose id sorts after all ids generated before.
    pub fn new(target: TargetId, event: &'static str, subject: Option<Uuid>) -> Self {
        Self { id: DeliveryId(Uuid::now_v7()), target, event, subject }
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
    let mut new = Vec::new();
    let mut channels = vec![BTreeSet::new(); announcements.len()];
    for (item, due) in announcements.iter().zip(&mut channels) {
        let of_user = targets.get(&item.user).into_iter().flatten();
        let told = of_user
            .filter(|target| item.audience.includes(target.channel) && target.wants(item.event));
        for Told { target, channel, .. } in told {
            new.push(NewDelivery::new(*target, item.event, Some(item.subject)));
            due.insert(*channel);
        }
    }
    insert(conn, &new).await?;
    Ok(channels)
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
    let found: Vec<(UserId, TargetId, String, Option<String>)> =
        query.build_query_as().fetch_all(conn).await?;
    for (user, target, channel, events) in found {
        if let Some(channel) = ChannelKind::named(&channel) {
            targets.entry(user).or_default().push(Told { target, channel, events });
        }
    }
    Ok(targets)
}

/// Inserts deliveries that are due at once, and makes their targets due; does nothing for an empty list.
pub async fn insert(conn: &mut MySqlConnection, new: &[NewDelivery]) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO push_deliveries (id, target_id, event, subject_id, state, due_at, created_at)
         SELECT UNHEX(REPLACE(r.id, '-', '')), UNHEX(REPLACE(r.target, '-', '')), r.event,
                UNHEX(REPLACE(r.subject, '-', '')), 'pending', NOW(3), NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             id CHAR(36) PATH '$.id', target CHAR(36) PATH '$.target',
             event VARCHAR(40) PATH '$.event', subject CHAR(36) PATH '$.subject')) AS r",
        json_rows(new)?,
    )
    .execute(&mut *conn)
    .await?;
    wake(conn, new.iter().map(|delivery| delivery.target).collect()).await
}

/// Makes targets due as soon as no sender holds them and their rest is over.
async fn wake(conn: &mut MySqlConnection, targets: BTreeSet<TargetId>) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(
        "UPDATE push_targets
         SET due_at = LEAST(COALESCE(due_at, GREATEST(NOW(3), COALESCE(held_until, NOW(3)))),
                            GREATEST(NOW(3), COALESCE(held_until, NOW(3))))
         WHERE disabled_at IS NULL AND id IN ",
    );
    bind_list(&mut query, targets.into_iter());
    query.build().execute(conn).await.map(drop)
}
