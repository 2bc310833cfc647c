//! Telling: notices with their events and deliveries, in the transaction of what they tell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sqlx::{MySqlConnection, QueryBuilder};
use time::OffsetDateTime;
use toneup_platform::database::{bind_list, json_rows};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::folding::{Change, Key, Open, by_key, fold, open_key};
use super::settings::{self, NoticeSettings};
use super::{NewNotice, NoticeId};
use crate::ChannelKind;
use crate::deliveries::{Announcement, Audience, announce};
use crate::events::{self, NewEvent};

/// A notice that was written: what listeners are to be told of after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Who is told.
    pub user: UserId,
    /// Identifier of the notice.
    pub notice: NoticeId,
    /// Channels on which a delivery became due.
    pub channels: BTreeSet<ChannelKind>,
}

/// Writes notices, their events and deliveries in the caller's transaction. Nobody is told of what they did themselves, of
/// what they do not wish to hear, or of people whom they block or mute. Locks the users' event sequences, in order of id:
/// the caller's other locks come before.
pub async fn tell(
    conn: &mut MySqlConnection,
    news: &[NewNotice],
) -> Result<Vec<Told>, sqlx::Error> {
    let users: BTreeSet<UserId> = news.iter().map(|one| one.user).collect();
    let wishes = settings::find(&mut *conn, users.into_iter()).await?;
    let wanted = wanted(conn, news, &wishes).await?;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    // Whoever holds a user's sequence is the only one to change the user's notices.
    events::lock(&mut *conn, &wanted.iter().map(|one| one.user).collect()).await?;
    let groups = by_key(&wanted);
    let open = find_open(&mut *conn, &groups).await?;
    let folded = |(key, actors): (&Key, &Vec<UserId>)| fold(*key, open.get(key), actors);
    let changes: Vec<Change> = groups.iter().filter_map(folded).collect();
    write(&mut *conn, &changes).await?;
    let entry = |change: &Change| {
        let (user, kind, _) = change.key;
        NewEvent { user, name: kind.as_str(), subject: change.id.0 }
    };
    events::append(&mut *conn, &changes.iter().map(entry).collect::<Vec<_>>()).await?;
    let now = OffsetDateTime::now_utc();
    let announcement = |change: &Change| announcement(change, wishes.get(&change.key.0), now);
    let channels = announce(conn, &changes.iter().map(announcement).collect::<Vec<_>>()).await?;
    let told = |(change, channels): (&Change, BTreeSet<ChannelKind>)| Told {
        user: change.key.0,
        notice: change.id,
        channels,
    };
    Ok(changes.iter().zip(channels).map(told).collect())
}

fn announcement(
    change: &Change,
    wishes: Option<&NoticeSettings>,
    now: OffsetDateTime,
) -> Announcement {
    let (user, kind, _) = change.key;
    let quiet = wishes.and_then(|wishes| wishes.quiet);
    Announcement {
        user,
        event: kind.as_str(),
        subject: change.id.0,
        audience: if change.is_pushed { Audience::Everyone } else { Audience::Servers },
        quiet: quiet.map_or(Duration::ZERO, |hours| hours.left(now)),
        folds: !change.is_new,
    }
}

#[derive(Serialize)]
struct Pair {
    user: UserId,
    actor: UserId,
}

/// Those of `news` that their users wish to be told.
async fn wanted(
    conn: &mut MySqlConnection,
    news: &[NewNotice],
    wishes: &BTreeMap<UserId, NoticeSettings>,
) -> Result<Vec<NewNotice>, sqlx::Error> {
    let is_off = |one: &NewNotice| {
        wishes.get(&one.user).is_some_and(|wishes| wishes.off.contains(&one.kind))
    };
    let wanted: Vec<NewNotice> =
        news.iter().filter(|one| one.user != one.actor && !is_off(one)).copied().collect();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let pairs: Vec<Pair> =
        wanted.iter().map(|one| Pair { user: one.user, actor: one.actor }).collect();
    let restricted: Vec<(UserId, UserId)> = sqlx::query_as(
        "SELECT r.user_id, r.subject_id
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             user CHAR(36) PATH '$.user', actor CHAR(36) PATH '$.actor')) AS p
         JOIN restrictions r ON r.user_id = UNHEX(REPLACE(p.user, '-', ''))
             AND r.subject_id = UNHEX(REPLACE(p.actor, '-', ''))",
    )
    .bind(json_rows(&pairs)?)
    .fetch_all(conn)
    .await?;
    let restricted: BTreeSet<(UserId, UserId)> = restricted.into_iter().collect();
    Ok(wanted.into_iter().filter(|one| !restricted.contains(&(one.user, one.actor))).collect())
}

/// Finds the unread notices of these keys, with those of the people whom they count already.
async fn find_open(
    conn: &mut MySqlConnection,
    groups: &BTreeMap<Key, Vec<UserId>>,
) -> Result<BTreeMap<Key, Open>, sqlx::Error> {
    let keys: BTreeMap<Vec<u8>, Key> =
        groups.keys().map(|key| (open_key(*key).to_vec(), *key)).collect();
    let mut query =
        QueryBuilder::new("SELECT open_key, id, actors FROM notices WHERE open_key IN ");
    bind_list(&mut query, keys.keys().cloned());
    let rows: Vec<(Vec<u8>, NoticeId, u32)> = query.build_query_as().fetch_all(&mut *conn).await?;
    let mut found: BTreeMap<Key, Open> = BTreeMap::new();
    for (hash, id, actors) in rows {
        if let Some(key) = keys.get(&hash) {
            found.insert(*key, Open { id, actors, known: BTreeSet::new() });
        }
    }
    let asked: Vec<ActorRow> = found
        .iter()
        .flat_map(|(key, open)| groups[key].iter().map(|actor| ActorRow::new(open.id, *actor)))
        .collect();
    if asked.is_empty() {
        return Ok(found);
    }
    let known: Vec<(NoticeId, UserId)> = sqlx::query_as(
        "SELECT a.notice_id, a.actor_id
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             notice CHAR(36) PATH '$.notice', actor CHAR(36) PATH '$.actor')) AS r
         JOIN notice_actors a ON a.notice_id = UNHEX(REPLACE(r.notice, '-', ''))
             AND a.actor_id = UNHEX(REPLACE(r.actor, '-', ''))",
    )
    .bind(json_rows(&asked)?)
    .fetch_all(conn)
    .await?;
    for (notice, actor) in known {
        let open = found.values_mut().find(|open| open.id == notice);
        if let Some(open) = open {
            open.known.insert(actor);
        }
    }
    Ok(found)
}

#[derive(Serialize)]
struct ActorRow {
    notice: NoticeId,
    actor: UserId,
}

impl ActorRow {
    fn new(notice: NoticeId, actor: UserId) -> Self {
        Self { notice, actor }
    }
}

#[derive(Serialize)]
struct NoticeRow {
    id: NoticeId,
    user: UserId,
    name: &'static str,
    subject: Uuid,
    actor: UserId,
    actors: u32,
    times: u32,
    place: Uuid,
    key: String,
}

impl NoticeRow {
    fn new(change: &Change) -> Self {
        let (user, kind, subject) = change.key;
        Self {
            id: change.id,
            user,
            name: kind.as_str(),
            subject,
            actor: change.actor,
            actors: change.actors_added,
            times: change.times_added,
            place: Uuid::now_v7(),
            key: BASE64_STANDARD.encode(open_key(change.key)),
        }
    }
}

async fn write(conn: &mut MySqlConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    let rows = |is_new: bool| -> Vec<NoticeRow> {
        changes.iter().filter(|change| change.is_new == is_new).map(NoticeRow::new).collect()
    };
    let (new, known) = (rows(true), rows(false));
    if !new.is_empty() {
        insert(&mut *conn, &new).await?;
    }
    if !known.is_empty() {
        update(&mut *conn, &known).await?;
    }
    let actors: Vec<ActorRow> = changes
        .iter()
        .flat_map(|change| change.remembered.iter().map(|actor| ActorRow::new(change.id, *actor)))
        .collect();
    if actors.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT IGNORE INTO notice_actors (notice_id, actor_id)
         SELECT UNHEX(REPLACE(r.notice, '-', '')), UNHEX(REPLACE(r.actor, '-', ''))
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             notice CHAR(36) PATH '$.notice', actor CHAR(36) PATH '$.actor')) AS r",
        json_rows(&actors)?,
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn insert(conn: &mut MySqlConnection, new: &[NoticeRow]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO notices (id, user_id, name, subject_id, actor_id, actors, times, place,
                              open_key, changed_at)
         SELECT UNHEX(REPLACE(r.id, '-', '')), UNHEX(REPLACE(r.user, '-', '')), r.name,
                UNHEX(REPLACE(r.subject, '-', '')), UNHEX(REPLACE(r.actor, '-', '')), r.actors,
                r.times, UNHEX(REPLACE(r.place, '-', '')), FROM_BASE64(r.open_key), NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             id CHAR(36) PATH '$.id', user CHAR(36) PATH '$.user', name VARCHAR(40) PATH '$.name',
             subject CHAR(36) PATH '$.subject', actor CHAR(36) PATH '$.actor',
             actors INT UNSIGNED PATH '$.actors', times INT UNSIGNED PATH '$.times',
             place CHAR(36) PATH '$.place', open_key CHAR(44) PATH '$.key')) AS r",
        json_rows(new)?,
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn update(conn: &mut MySqlConnection, known: &[NoticeRow]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (
             id CHAR(36) PATH '$.id', actor CHAR(36) PATH '$.actor',
             actors INT UNSIGNED PATH '$.actors', times INT UNSIGNED PATH '$.times',
             place CHAR(36) PATH '$.place')) AS r
         JOIN notices n ON n.id = UNHEX(REPLACE(r.id, '-', ''))
         SET n.actor_id = UNHEX(REPLACE(r.actor, '-', '')), n.actors = n.actors + r.actors,
             n.times = n.times + r.times, n.place = UNHEX(REPLACE(r.place, '-', '')),
             n.changed_at = NOW(3)",
        json_rows(known)?,
    )
    .execute(conn)
    .await
    .map(drop)
}
