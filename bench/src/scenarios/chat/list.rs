//! The list of a thousand rooms with few, many and very many messages, beside the first server's ways to count.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Client;
use serde_json::Value;
use sqlx::MySqlConnection;
use tokio::time::Instant;
use uuid::Uuid;

use crate::load::signer::Signer;
use crate::measure::percentiles::Sorted;
use crate::report::Row;
use crate::site::Site;
use crate::sockets::people::{add_room, add_users};

/// Rooms of each user.
const ROOMS: usize = 1_000;
/// Rooms whose messages are written with one statement.
const CHUNK: usize = 25;
/// Lists that are read of each user, in turn, so that all meet the same moments.
const ROUNDS: (usize, usize) = (400, 150);
/// Times that each of the first server's queries is run.
const REPEATS: usize = 3;
/// Longest time of one of them.
const QUERY_TIMEOUT: Duration = Duration::from_mins(1);

/// The first server's list: all messages of all rooms, grouped.
const GROUPING: &str = "SELECT m.room_id, COUNT(*), SUM(m.seq > me.read_seq AND m.sender_id <> me.user_id), MAX(m.sent_at)
    FROM members me JOIN messages m ON m.room_id = me.room_id WHERE me.user_id = ? GROUP BY m.room_id";
/// The first server's plan: a count over a range for each room.
const RANGE_COUNT: &str = "SELECT me.room_id, (SELECT COUNT(*) FROM messages m
        WHERE m.room_id = me.room_id AND m.seq > me.read_seq AND m.sender_id <> me.user_id)
    FROM members me WHERE me.user_id = ?";

/// A user with a thousand rooms.
struct Owner {
    id: Uuid,
    token: String,
    messages: usize,
    times: Vec<f64>,
    cursor: Option<String>,
}

/// Measures the lists; one row for each number of messages.
pub(super) async fn rows(site: &Site, quick: bool) -> anyhow::Result<Vec<Row>> {
    let totals: &[usize] =
        if quick { &[10_000, 100_000, 500_000] } else { &[10_000, 1_000_000, 10_000_000] };
    let signer = Signer::of(&site.api).await?;
    let mut database = site.connect().await?;
    let mut owners = Vec::new();
    for &messages in totals {
        let id = add_owner(&mut database, messages / ROOMS).await?;
        let token = signer.token(id)?;
        owners.push(Owner { id, token, messages, times: Vec::new(), cursor: None });
    }
    let http = crate::load::target::http()?;
    for round in 0..if quick { ROUNDS.1 } else { ROUNDS.0 } {
        for owner in &mut owners {
            let took = owner.read_page(&http, &site.api).await?;
            // The first pages warm the caches of the database and the pool.
            if round >= 10 {
                owner.times.push(took);
            }
        }
    }
    let first = owners.first().map_or(f64::NAN, |owner| Sorted::new(owner.times.clone()).median());
    let mut rows = Vec::new();
    for owner in &owners {
        let times = Sorted::new(owner.times.iter().copied());
        let ratio = times.median() / first;
        let grouping = time_query(&mut database, GROUPING, owner.id).await?;
        let counting = time_query(&mut database, RANGE_COUNT, owner.id).await?;
        let row = Row::default()
            .with("measured", format!("a page of {ROOMS} rooms"))
            .with("system", "toneup")
            .with("messages", owner.messages)
            .number("p50_ms", times.median())
            .number("p99_ms", times.percentile(99.0))
            .number("ratio", ratio)
            .number("grouping_ms", grouping)
            .number("range_count_ms", counting);
        let met = times.percentile(99.0) <= 5.0 && (0.9..=1.1).contains(&ratio);
        rows.push(row.wanted("p99 <= 5, medians within 10 %", met));
    }
    Ok(rows)
}

impl Owner {
    /// Reads the next page of the list, from the beginning again after the last; milliseconds.
    async fn read_page(&mut self, http: &Client, api: &str) -> anyhow::Result<f64> {
        let after = self.cursor.as_ref().map(|cursor| format!("?cursor={cursor}"));
        let url = format!("{api}/v1/rooms{}", after.unwrap_or_default());
        let request = http.get(url).bearer_auth(&self.token);
        let sent = Instant::now();
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "the list: {}", answer.status());
        let page: Value = answer.json().await?;
        let took = sent.elapsed().as_secs_f64() * 1e3;
        let rooms = page["items"].as_array().context("a list without rooms")?;
        ensure!(!rooms.is_empty(), "an empty page");
        let unread = u64::try_from(self.messages / ROOMS)?;
        ensure!(rooms.iter().all(|room| room["unread"] == unread), "a wrong count: {}", rooms[0]);
        self.cursor = page["nextCursor"].as_str().map(str::to_owned);
        Ok(took)
    }
}

/// Creates a user with rooms of so many messages, none of which is read.
async fn add_owner(database: &mut MySqlConnection, messages: usize) -> anyhow::Result<Uuid> {
    let users = add_users(database, ROOMS + 1).await?;
    let (owner, peers) = users.split_first().context("no users")?;
    let mut rooms = Vec::new();
    for peer in peers {
        rooms.push((add_room(database, &[*owner, *peer]).await?, *peer));
    }
    // With the table's own engine of numbers; far faster than sending rows.
    for some in rooms.chunks(CHUNK) {
        let mut insert = sqlx::QueryBuilder::new(
            "INSERT INTO messages (room_id, seq, id, sender_id, kind, body, counted, sent_at)
             SELECT r.id, s.seq, r.id, m.user_id, 'text', 'a message like many others', s.seq, NOW(3)
             FROM rooms r JOIN members m ON m.room_id = r.id AND m.user_id <> r.owner_id ",
        );
        insert.push(format!("STRAIGHT_JOIN seq_1_to_{messages} s WHERE r.id IN ("));
        let mut ids = insert.separated(", ");
        for (room, _) in some {
            ids.push_bind(room.as_bytes().as_slice());
        }
        insert.push(") ORDER BY r.id, s.seq");
        insert.build().execute(&mut *database).await.context("writing messages")?;
    }
    let (user, last) = (owner.as_bytes().as_slice(), u64::try_from(messages)?);
    sqlx::query(
        "UPDATE rooms SET kind = 'direct', last_seq = ?, counted = ?, preview = 'a message',
             preview_kind = 'text', preview_seq = ?, last_at = NOW(3) - INTERVAL number SECOND
         WHERE owner_id = ?",
    )
    .bind(last)
    .bind(last)
    .bind(last)
    .bind(user)
    .execute(&mut *database)
    .await?;
    sqlx::query(
        "UPDATE members me JOIN members other ON other.room_id = me.room_id AND other.user_id <> me.user_id
         SET me.peer_id = other.user_id WHERE me.user_id = ?",
    )
    .bind(user)
    .execute(database)
    .await?;
    Ok(*owner)
}

/// Milliseconds of a query, in the median.
async fn time_query(
    database: &mut MySqlConnection,
    query: &'static str,
    user: Uuid,
) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let asked = sqlx::query(query).bind(user.as_bytes().as_slice()).fetch_all(&mut *database);
        let found = tokio::time::timeout(QUERY_TIMEOUT, asked).await.context("too slow")??;
        ensure!(found.len() == ROOMS, "{} rooms", found.len());
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Sorted::new(times).median())
}
