//! Writing deliveries, in the transaction that makes them true.

use std::collections::{BTreeSet, HashMap};

use sqlx::{MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::{ChannelKind, DeliveryId, PushEvent, TargetId};
use crate::analyses::{AnalysisId, Status, UserId};
use crate::database::bind_list;

/// Something to tell a target.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery {
    /// Its identity.
    pub id: DeliveryId,
    /// Whom to tell.
    pub target: TargetId,
    /// What.
    pub event: PushEvent,
    /// What it is about: an analysis or a target.
    pub subject: Option<Uuid>,
}

impl NewDelivery {
    /// Something to tell, with an id that sorts after every id made before.
    pub fn new(target: TargetId, event: PushEvent, subject: Option<Uuid>) -> Self {
        Self { id: DeliveryId(Uuid::now_v7()), target, event, subject }
    }
}

/// Writes that analyses ended, for every target of their owners that it is of interest to. One lookup, and no more where
/// nobody has a target. Answers on which channels something is due, for each analysis that somebody is to be told of.
pub async fn announce(
    conn: &mut MySqlConnection,
    ended: &[(UserId, AnalysisId, Status)],
) -> Result<HashMap<AnalysisId, BTreeSet<ChannelKind>>, sqlx::Error> {
    let users: BTreeSet<UserId> = ended.iter().map(|(user, ..)| *user).collect();
    let mut query = QueryBuilder::new(
        "SELECT user_id, id, channel FROM push_targets WHERE disabled_at IS NULL",
    );
    query.push(" AND user_id IN ");
    bind_list(&mut query, users.into_iter());
    let found: Vec<(UserId, TargetId, String)> =
        query.build_query_as().fetch_all(&mut *conn).await?;
    let mut targets: HashMap<UserId, Vec<(TargetId, String)>> = HashMap::new();
    for (user, target, channel) in found {
        targets.entry(user).or_default().push((target, channel));
    }
    let mut new = Vec::new();
    let mut channels: HashMap<AnalysisId, BTreeSet<ChannelKind>> = HashMap::new();
    for (user, analysis, status) in ended {
        let of_user = targets.get(user).into_iter().flatten();
        for (target, channel) in of_user.filter(|(_, channel)| is_of_interest(*status, channel)) {
            new.push(NewDelivery::new(*target, PushEvent::Ended(*status), Some(analysis.0)));
            channels.entry(*analysis).or_default().extend(ChannelKind::named(channel));
        }
    }
    insert(conn, &new).await?;
    Ok(channels)
}

/// Who withdrew an analysis needs no notification of it; a server does.
fn is_of_interest(status: Status, channel: &str) -> bool {
    status != Status::Cancelled || channel == ChannelKind::Webhook.as_str()
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
            .push_bind(delivery.event.as_str())
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
