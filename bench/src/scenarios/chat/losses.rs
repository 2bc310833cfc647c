//! Loss: one of two servers is killed under load and started again; the members of its clients' rooms write on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
use super::world::{Person, settle, settle_peer};
use crate::report::Row;
use crate::site::Site;
use crate::site::process::{Process, free_port};
use crate::sockets::diary::Diary;
use crate::sockets::member::{Habits, Member, Recovery};

const ROOMS: usize = 20;
const MEMBERS: usize = 5;
/// Longest pause of a member between two messages.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Time before the kill, and after the start.
const CALM: Duration = Duration::from_secs(3);
/// Time without the killed server.
const AWAY: Duration = Duration::from_millis(1_500);
/// Time for the last messages and the last clients to arrive.
const SETTLE: Duration = Duration::from_secs(6);

/// Findings about all members together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Losses {
    stored: usize,
    /// Stored messages that a member of the room never saw, counted for each member.
    lost: usize,
    /// Acknowledged messages that are not stored.
    lost_acks: usize,
    /// Messages stored more than once, and entries that a member saw more than once.
    doubled: usize,
    /// Members who saw a room in another order than that of the numbers.
    misordered: usize,
}

/// A stored message: its room, its number and its text.
type Stored = (String, u64, String);

/// Kills and starts one of two servers of ours.
pub(super) async fn of_toneup(site: &Site) -> anyhow::Result<Row> {
    let people = settle(site, ROOMS, MEMBERS).await?;
    let address = || anyhow::Ok(SocketAddr::from(([127, 0, 0, 1], free_port()?)));
    let addresses = [address()?, address()?];
    let first = site.start_another_api(addresses[0]).await?;
    let second = site.start_another_api(addresses[1]).await?;
    let (run, mut replicas) = (Run::start(&people, &addresses, Recovery::Sync), vec![second]);
    sleep(CALM).await;
    first.kill().await;
    sleep(AWAY).await;
    replicas.push(site.start_another_api(addresses[0]).await?);
    let diaries = run.finish().await?;
    for replica in replicas {
        Process::kill(replica).await;
    }
    let rooms: BTreeSet<&str> = people.iter().map(|person| person.room.as_str()).collect();
    let stored: Vec<(uuid::Uuid, u64, String)> =
        sqlx::query_as("SELECT room_id, seq, body FROM messages WHERE kind = 'text'")
            .fetch_all(&mut site.connect().await?)
            .await?;
    let stored = stored.into_iter().map(|(room, seq, text)| (room.to_string(), seq, text));
    let stored = stored.filter(|(room, ..)| rooms.contains(room.as_str())).collect::<Vec<_>>();
    Ok(row("toneup", &count(&stored, &diaries)))
}

/// Kills and starts one of two servers of the peer.
pub(super) async fn of_peer(site: &Site) -> anyhow::Result<Row> {
    let people = settle_peer(site, ROOMS, MEMBERS).await?;
    let mut peer = Peer::start(site, 2).await?;
    let addresses = [peer.address(0), peer.address(1)];
    let run = Run::start(&people, &addresses, Recovery::Session);
    sleep(CALM).await;
    peer.kill(0).await;
    sleep(AWAY).await;
    peer.revive(0).await?;
    let diaries = run.finish().await?;
    let rooms: BTreeSet<&str> = people.iter().map(|person| person.room.as_str()).collect();
    let stored: Vec<Stored> = sqlx::query_as("SELECT room, id, body FROM peer_messages")
        .fetch_all(&mut site.connect().await?)
        .await?;
    let stored: Vec<Stored> =
        stored.into_iter().filter(|(room, ..)| rooms.contains(room.as_str())).collect();
    Ok(row("socket.io", &count(&stored, &diaries)))
}

fn row(system: &str, found: &Losses) -> Row {
    let row = Row::default()
        .with("measured", "kill -9 of one server of two")
        .with("system", system)
        .with("messages", found.stored)
        .with("lost", found.lost + found.lost_acks)
        .with("doubled", found.doubled)
        .with("misordered", found.misordered);
    if system == "toneup" {
        let held = (found.lost, found.lost_acks, found.doubled, found.misordered) == (0, 0, 0, 0);
        return row.wanted("nothing lost, doubled or misordered", held && found.stored > 0);
    }
    row
}

/// Members under way.
struct Run {
    members: JoinSet<Diary>,
    quiet: CancellationToken,
    over: CancellationToken,
}

impl Run {
    fn start(people: &[Person], addresses: &[SocketAddr; 2], recovery: Recovery) -> Self {
        let (quiet, over) = (CancellationToken::new(), CancellationToken::new());
        let mut members = JoinSet::new();
        for (name, person) in people.iter().enumerate() {
            let member = Member {
                name,
                auth: person.auth.clone(),
                rooms: vec![person.room.clone()],
                addresses: vec![addresses[name % 2]],
                recovery,
            };
            let habits = Habits {
                write_every: WRITE_EVERY,
                flap_every: None,
                quiet: quiet.clone(),
                over: over.clone(),
                standing: Arc::default(),
            };
            members.spawn(member.live(1, habits));
        }
        Self { members, quiet, over }
    }

    async fn finish(self) -> anyhow::Result<Vec<Diary>> {
        sleep(CALM).await;
        self.quiet.cancel();
        sleep(SETTLE).await;
        self.over.cancel();
        Ok(self.members.join_all().await)
    }
}

/// Compares what is stored with what was seen.
fn count(stored: &[Stored], diaries: &[Diary]) -> Losses {
    let mut rooms: BTreeMap<&str, Vec<(u64, &str)>> = BTreeMap::new();
    let mut keys: HashMap<&str, usize> = HashMap::new();
    for (room, seq, text) in stored {
        rooms.entry(room).or_default().push((*seq, text));
        *keys.entry(text).or_default() += 1;
    }
    let mut found = Losses { stored: stored.len(), ..Losses::default() };
    found.doubled = keys.values().map(|times| times - 1).sum();
    for diary in diaries {
        let lost = diary.acked.iter().filter(|acked| !keys.contains_key(acked.key.as_str()));
        found.lost_acks += lost.count();
        for (room, seen) in &diary.seen {
            let unique: BTreeSet<u64> = seen.iter().map(|one| one.seq).collect();
            let all = rooms.get(room.as_str()).map_or(&[][..], Vec::as_slice);
            found.lost += all.iter().filter(|(seq, _)| !unique.contains(seq)).count();
            found.doubled += seen.len() - unique.len();
            found.misordered += usize::from(seen.windows(2).any(|two| two[0].seq > two[1].seq));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::diary::{Acked, Seen};

    #[test]
    fn what_is_lost_doubled_or_out_of_order_is_counted() {
        let stored = |seq, text: &str| ("r".to_owned(), seq, text.to_owned());
        let stored = [stored(1, "a"), stored(2, "b"), stored(3, "b"), stored(4, "c")];
        let mut diary = Diary::new(&["r".to_owned()]);
        for seq in [2, 1, 1, 4] {
            diary.see("r", Seen { seq, key: String::new() });
        }
        let acked = |key: &str| Acked { room: "r".to_owned(), key: key.to_owned(), seq: 1 };
        diary.acked = vec![acked("a"), acked("z")];
        let found = count(&stored, &[diary]);
        let expected = Losses { stored: 4, lost: 1, lost_acks: 1, doubled: 2, misordered: 1 };
        assert_eq!(found, expected);
    }
}
