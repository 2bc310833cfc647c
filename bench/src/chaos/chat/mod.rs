//! Conversations in the fault suite: members of rooms on all replicas, whose connections come and go, and a checker of their
//! own.

mod checker;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use sqlx::MySqlPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::checker::{Findings, Sort, Stored, Unread, check};
use crate::load::signer::Signer;
use crate::report::table::say;
use crate::site::within;
use crate::sockets::diary::Diary;
use crate::sockets::member::{Habits, Member, Recovery, Standing};
use crate::sockets::people::{add_room, add_users};

/// People and rooms of a full and of a short run.
const SIZES: [(usize, usize); 2] = [(500, 200), (60, 24)];
/// Members of a room, besides those whose first room it is.
const GUESTS: usize = 4;
/// Longest pause between two messages of a member, in a full and in a short run.
const WRITE_EVERY: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(4)];
/// Longest time of a connection that its member ends.
const FLAP_EVERY: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(10)];
/// Longest wait for the last acknowledgements and entries.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(90);
/// Findings that are shown.
const EXAMPLES: usize = 10;

const ENTRIES: &str = "SELECT room_id, seq, IF(kind = 'text', body, '') FROM messages";
/// Unread counts by the two numbers, and by counting.
const UNREAD: &str = "SELECT CAST(r.counted AS SIGNED) - CAST(m.read_counted AS SIGNED),
        (SELECT COUNT(*) FROM messages x WHERE x.room_id = m.room_id AND x.seq > m.read_seq AND x.kind = 'text')
    FROM members m JOIN rooms r ON r.id = m.room_id";

/// Members who talk while faults are injected.
#[derive(Debug)]
pub(crate) struct Talk {
    seed: u64,
    rooms: usize,
    /// Rooms of each member.
    memberships: Vec<Vec<String>>,
    standings: Vec<Arc<Standing>>,
    members: JoinSet<Diary>,
    quiet: CancellationToken,
    over: CancellationToken,
}

impl Talk {
    /// Creates people and rooms, and lets them talk.
    pub(crate) async fn start(
        seed: u64,
        short: bool,
        apis: &[String],
        database: &MySqlPool,
    ) -> anyhow::Result<Self> {
        let size = usize::from(short);
        let (people, rooms) = SIZES[size];
        let signer = Signer::of(apis.first().context("no api")?).await?;
        let addresses = apis.iter().map(|api| api.trim_start_matches("http://").parse());
        let addresses: Vec<SocketAddr> = addresses.collect::<Result<_, _>>()?;
        let mut connection = database.acquire().await?;
        let users = add_users(&mut connection, people).await?;
        let mut memberships = vec![Vec::new(); people];
        for members in seats(seed, people, rooms) {
            let ids: Vec<Uuid> = members.iter().map(|member| users[*member]).collect();
            let room = add_room(&mut connection, &ids).await?.to_string();
            for member in members {
                memberships[member].push(room.clone());
            }
        }
        let (quiet, over) = (CancellationToken::new(), CancellationToken::new());
        let (mut members, mut standings) = (JoinSet::new(), Vec::new());
        for (name, user) in users.iter().enumerate() {
            let auth = json!({ "token": signer.token(*user)? });
            let (rooms, addresses) = (memberships[name].clone(), addresses.clone());
            let member = Member { name, auth, rooms, addresses, recovery: Recovery::Sync };
            let habits = Habits {
                write_every: WRITE_EVERY[size],
                flap_every: Some(FLAP_EVERY[size]),
                quiet: quiet.clone(),
                over: over.clone(),
                standing: Arc::default(),
            };
            standings.push(Arc::clone(&habits.standing));
            members.spawn(member.live(seed, habits));
        }
        Ok(Self { seed, rooms, memberships, standings, members, quiet, over })
    }

    /// From now on nobody begins another message.
    pub(crate) fn quiet(&self) {
        self.quiet.cancel();
    }

    /// Waits until every message is answered and every member has seen the newest entry of every room.
    pub(crate) async fn settle(&self, database: &MySqlPool) -> bool {
        within(SETTLE_TIMEOUT, async || self.is_settled(database).await.unwrap_or(false))
            .await
            .is_ok()
    }

    async fn is_settled(&self, database: &MySqlPool) -> anyhow::Result<bool> {
        if self.standings.iter().any(|one| one.is_waiting.load(Ordering::Relaxed)) {
            return Ok(false);
        }
        let heads: Vec<(Uuid, u64)> =
            sqlx::query_as("SELECT id, last_seq FROM rooms").fetch_all(database).await?;
        let heads: BTreeMap<String, u64> =
            heads.into_iter().map(|(room, seq)| (room.to_string(), seq)).collect();
        let of = |room: &String| heads.get(room).copied().unwrap_or_default();
        let all = self.memberships.iter().zip(&self.standings);
        Ok(all.into_iter().all(|(rooms, standing)| {
            rooms.iter().map(of).sum::<u64>() <= standing.seen.load(Ordering::Relaxed)
        }))
    }

    /// Ends the talk and judges it; writes the findings to `file`. `true` if every promise was kept.
    pub(crate) async fn finish(self, database: &MySqlPool, file: &Path) -> anyhow::Result<bool> {
        self.over.cancel();
        let diaries = self.members.join_all().await;
        let entries: Vec<(Uuid, u64, String)> =
            sqlx::query_as(ENTRIES).fetch_all(database).await.context("reading the messages")?;
        let stored: Vec<Stored> = entries
            .into_iter()
            .map(|(room, seq, text)| Stored { room: room.to_string(), seq, text })
            .collect();
        let unread: Vec<(i64, i64)> =
            sqlx::query_as(UNREAD).fetch_all(database).await.context("counting the unread")?;
        let unread: Vec<Unread> =
            unread.into_iter().map(|(told, counted)| Unread { told, counted }).collect();
        let found = check(&stored, &unread, &diaries);
        let total = |of: fn(&Diary) -> usize| diaries.iter().map(of).sum::<usize>();
        let line = format!(
            "chat seed={} people={} rooms={} messages={} acked={} connections={} seen={} lost={} doubled={} misordered={} broken={}",
            self.seed,
            diaries.len(),
            self.rooms,
            stored.len(),
            total(|diary| diary.acked.len()),
            total(|diary| diary.connections),
            total(|diary| diary.seen.values().map(Vec::len).sum()),
            found.count(Sort::Lost),
            found.count(Sort::Doubled),
            found.count(Sort::Misordered),
            found.count(Sort::Broken),
        );
        let breaks: Vec<&String> = diaries.iter().flat_map(|diary| &diary.breaks).collect();
        let Findings(all) = &found;
        let texts: Vec<String> =
            all.iter().map(|(sort, text)| format!("{sort:?}: {text}")).collect();
        for text in texts.iter().take(EXAMPLES) {
            say(&format!("NOT HELD {text}"))?;
        }
        let report = json!({ "summary": line, "findings": texts, "breaks": breaks });
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
        say(&line)?;
        // A talk in which nothing was said proves nothing.
        Ok(all.is_empty() && !stored.is_empty())
    }
}

/// Members of each room: everybody has a first room, and some are guests in others.
fn seats(seed: u64, people: usize, rooms: usize) -> Vec<Vec<usize>> {
    let mut random = StdRng::seed_from_u64(seed ^ 0xc4a7);
    let of = |room: usize, random: &mut StdRng| {
        let mut members: Vec<usize> = (room..people).step_by(rooms).collect();
        for _ in 0..GUESTS {
            let guest = random.random_range(0..people);
            if !members.contains(&guest) {
                members.push(guest);
            }
        }
        members
    };
    (0..rooms).map(|room| of(room, &mut random)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_room_and_nobody_has_two_seats_in_one() {
        for (people, rooms) in SIZES {
            let all = seats(7, people, rooms);
            assert_eq!(all, seats(7, people, rooms));
            let mut seated: Vec<usize> = all.iter().flatten().copied().collect();
            assert!(seated.len() > people, "some are guests");
            for members in &all {
                let mut unique = members.clone();
                unique.sort_unstable();
                unique.dedup();
                assert_eq!(unique.len(), members.len());
            }
            seated.sort_unstable();
            seated.dedup();
            assert_eq!(seated.len(), people);
        }
    }
}
