//! Writing deliveries, in the transaction that makes them true.

use std::collections::{BTreeSet, HashMap};

use sqlx::{MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::{ChannelKind, DeliveryId, TargetId};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

/// An event to deliver to a target.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery {
    /// Its identity.
    pub id: DeliveryId,
    /// The target.
    pub target: TargetId,
    /// The name of the event.
    pub event: &'static str,
    /// The id of what it is about.
    pub subject: Option<Uuid>,
}

impl NewDelivery {
    /// A delivery with an id that sorts after every id made before.
    pub fn new(target: TargetId, event: &'static str, subject: Option<Uuid>) -> Self {
        Self { id: DeliveryId(Uuid::now_v7()), target, event, subject }
    }
}

/// An event that targets may be notified of.
#[derive(Debug, Clone, Copy)]
pub struct Announcement {
    /// The user whose targets are notified.
    pub user: UserId,
    /// The name of the event.
    pub event: &'static str,
    /// The id of what it is about.
    pub subject: Uuid,
    /// Who is notified.
    pub audience: Audience,
}

/// The targets that an event is of interest to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// All of the user's.
    Everyone,
    /// Servers alone: the person caused the event and needs no notification of it.
    Servers,
}

impl Audience {
    fn includes(self, channel: ChannelKind) -> bool {
        self == Self::Everyone || channel == ChannelKind::Webhook
    }
}

/// Writes the deliveries of events to the enabled targets of their users, in the caller's transaction. One lookup, and no
/// more where nobody has a target. Returns for each event the channels on which something became due.
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
    /// Whether its owner wants it to be told of events of this name.
    fn wants(&self, event: &str) -> bool {
        self.events.as_ref().is_none_or(|events| events.split(',').any(|wanted| wanted == event))
    }
}

/// The enabled targets of users. A channel that only a later version knows is left to it.
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

/// Writes deliveries that are due at once, and makes their targets due; nothing where there are none.
pub async fn insert(conn: &mut MySqlConnection, new: &[NewDelivery]) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO push_deliveries (id, target_id, event, subject_id, state, due_at, created_at) ",
    );
    query.push_values(new, |mut row, delivery| {
        row.push_bind(delivery.id)
            .push_bind(delivery.target)
            .push_bind(delivery.event)
            .push_bind(delivery.subject)
            .push("'pending'")
            .push("NOW(3)")
            .push("NOW(3)");
    });
    query.build().execute(&mut *conn).await?;
    wake(conn, new.iter().map(|delivery| delivery.target).collect()).await
}

/// Makes targets due as soon as nobody holds them and their rest is over.
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
