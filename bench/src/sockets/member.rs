//! A member of rooms who writes, loses connections, takes up again and keeps a diary of everything seen.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::diary::{Acked, Diary, Seen};
use super::{Packet, Socket};

/// Longest wait for an acknowledgement; then the member connects again and sends the message again.
const ACK_TIMEOUT: Duration = Duration::from_secs(8);
/// Pauses before another connection, in milliseconds.
const PAUSE_MS: (u64, u64) = (100, 600);
/// Pause after a refusal that passes.
const REFUSED_PAUSE: Duration = Duration::from_millis(500);
/// Refusals that pass: the message is sent again.
const PASSING: [&str; 5] = ["rate_limited", "unavailable", "overloaded", "timeout", "internal"];
/// Distant time of what is not to happen.
const NEVER: Duration = Duration::from_hours(24);

/// The way in which a server lets clients take up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// The client says the last number that it knows of each room.
    Sync,
    /// Socket.IO's connection state recovery.
    Session,
}

/// How far a member has come, for whoever waits for it.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Sum of the highest numbers seen of its rooms.
    pub(crate) seen: AtomicU64,
    /// A message of its own is not answered.
    pub(crate) is_waiting: AtomicBool,
}

/// What a member does.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    /// Longest pause between two messages.
    pub(crate) write_every: Duration,
    /// Longest time of a connection that the member ends; `None`: it never ends one.
    pub(crate) flap_every: Option<Duration>,
    /// No new messages from then on.
    pub(crate) quiet: CancellationToken,
    /// The member leaves.
    pub(crate) over: CancellationToken,
    pub(crate) standing: Arc<Standing>,
}

/// A member.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Number of the member, and part of the keys of its messages.
    pub(crate) name: usize,
    /// Auth payload of its connections.
    pub(crate) auth: Value,
    /// Ids of its rooms.
    pub(crate) rooms: Vec<String>,
    /// Addresses that it connects to, in turn.
    pub(crate) addresses: Vec<SocketAddr>,
    /// How it takes up again.
    pub(crate) recovery: Recovery,
}

/// A message on its way.
#[derive(Debug, Clone)]
struct Pending {
    room: String,
    key: String,
    /// Number of the acknowledgement that is awaited on this connection.
    awaited: Option<u64>,
    /// When it is sent again, or given up together with the connection.
    due: Instant,
}

/// State of a member over all connections.
struct Life {
    member: Member,
    random: StdRng,
    diary: Diary,
    written: usize,
    write_at: Instant,
    pending: Option<Pending>,
    /// Session and offset of Socket.IO's own recovery.
    session: Option<(String, String)>,
}

impl Member {
    /// Lives until it is over; returns the diary.
    pub(crate) async fn live(self, seed: u64, habits: Habits) -> Diary {
        let random = StdRng::seed_from_u64(seed.rotate_left(32) ^ self.name as u64);
        let mut life = Life {
            diary: Diary::new(&self.rooms),
            member: self,
            random,
            written: 0,
            write_at: Instant::now(),
            pending: None,
            session: None,
        };
        life.plan_next(habits.write_every);
        for turn in life.member.name.. {
            let address = life.member.addresses[turn % life.member.addresses.len()];
            let connected = habits.over.run_until_cancelled(life.connect(address)).await;
            match connected {
                None => return life.diary,
                Some(Ok(socket)) => {
                    life.diary.connections += 1;
                    if let Err(error) = life.converse(socket, &habits).await {
                        life.diary.note_break(&error);
                    }
                }
                Some(Err(error)) => life.diary.note_break(&error),
            }
            let pause = Duration::from_millis(life.random.random_range(PAUSE_MS.0..PAUSE_MS.1));
            if habits.over.run_until_cancelled(sleep(pause)).await.is_none() {
                break;
            }
        }
        life.diary.unanswered = life.pending.map(|pending| pending.key);
        life.diary
    }
}

impl Life {
    fn plan_next(&mut self, every: Duration) {
        self.write_at = Instant::now() + every.mul_f64(self.random.random_range(0.5..1.0));
    }

    /// Connects and takes up again.
    async fn connect(&mut self, address: SocketAddr) -> anyhow::Result<Socket> {
        let mut auth = self.member.auth.clone();
        if let Some((session, offset)) = &self.session {
            auth["pid"] = session.as_str().into();
            auth["offset"] = offset.as_str().into();
        }
        let mut socket = Socket::connect(address, &auth).await?;
        match self.member.recovery {
            Recovery::Session => {
                let pid = socket.session["pid"].as_str().unwrap_or_default().to_owned();
                let offset = self.session.take().map(|(_, offset)| offset).unwrap_or_default();
                self.session = Some((pid, offset));
            }
            Recovery::Sync => while self.sync(&mut socket).await? {},
        }
        if let Some(pending) = &mut self.pending {
            pending.awaited = None;
            pending.due = Instant::now();
        }
        Ok(socket)
    }

    /// Asks for what was missed; true if there is more.
    async fn sync(&mut self, socket: &mut Socket) -> anyhow::Result<bool> {
        let number = socket.emit("sync", &json!({ "rooms": self.diary.last })).await?;
        let give_up = Instant::now() + ACK_TIMEOUT;
        loop {
            let packet = tokio::select! {
                () = sleep_until(give_up) => bail!("no answer to a sync"),
                packet = socket.next() => packet?.context("closed during a sync")?,
            };
            match packet {
                Packet::Event(event) => self.note(&event)?,
                Packet::Ack(of, contents) if of == number => {
                    let answer: Value = serde_json::from_str(&contents)?;
                    return self.note_missed(&answer[0]);
                }
                Packet::Ack(..) => {}
                Packet::Disconnected => bail!("disconnected during a sync"),
            }
        }
    }

    fn note_missed(&mut self, answer: &Value) -> anyhow::Result<bool> {
        let rooms = answer["rooms"].as_object().with_context(|| format!("no rooms: {answer}"))?;
        let mut has_more = false;
        for (room, missed) in rooms {
            for entry in missed["entries"].as_array().into_iter().flatten() {
                self.diary.see(room, seen(entry)?);
            }
            has_more |= missed["more"] == true;
        }
        Ok(has_more)
    }

    /// Writes and reads on one connection, until it breaks or the member ends it.
    async fn converse(&mut self, mut socket: Socket, habits: &Habits) -> anyhow::Result<()> {
        let stays = habits
            .flap_every
            .map_or(NEVER, |every| every.mul_f64(self.random.random_range(0.1..1.0)));
        let flap_at = Instant::now() + stays;
        loop {
            let seen = self.diary.last.values().sum();
            habits.standing.seen.store(seen, Ordering::Relaxed);
            habits.standing.is_waiting.store(self.pending.is_some(), Ordering::Relaxed);
            let write_at = match &self.pending {
                Some(pending) => pending.due,
                None if habits.quiet.is_cancelled() => Instant::now() + NEVER,
                None => self.write_at,
            };
            tokio::select! {
                () = habits.over.cancelled() => return Ok(()),
                () = sleep_until(flap_at) => return Ok(()),
                () = habits.quiet.cancelled(), if !habits.quiet.is_cancelled() => {}
                () = sleep_until(write_at) => self.write(&mut socket, habits).await?,
                packet = socket.next() => match packet?.context("the server closed the connection")? {
                    Packet::Event(event) => self.note(&event)?,
                    Packet::Ack(number, contents) => self.note_ack(number, &contents)?,
                    Packet::Disconnected => bail!("disconnected by the server"),
                },
            }
        }
    }

    /// Sends the message that waits, or a new one.
    async fn write(&mut self, socket: &mut Socket, habits: &Habits) -> anyhow::Result<()> {
        if self.pending.is_none() {
            if habits.quiet.is_cancelled() {
                return Ok(());
            }
            let room = self.random.random_range(0..self.member.rooms.len());
            let key = format!("{}-{}", self.member.name, self.written);
            self.written += 1;
            self.plan_next(habits.write_every);
            let (room, due) = (self.member.rooms[room].clone(), Instant::now());
            self.pending = Some(Pending { room, key, awaited: None, due });
        }
        let Some(pending) = &mut self.pending else { return Ok(()) };
        ensure!(pending.awaited.is_none(), "no acknowledgement");
        let contents =
            json!({ "room": pending.room, "text": pending.key, "clientKey": pending.key });
        pending.awaited = Some(socket.emit("chat", &contents).await?);
        pending.due = Instant::now() + ACK_TIMEOUT;
        Ok(())
    }

    fn note(&mut self, event: &str) -> anyhow::Result<()> {
        let event: Value = serde_json::from_str(event)?;
        if event[0] != "chat" && event[0] != "entry" {
            return Ok(());
        }
        let contents = &event[1];
        let room = contents["room"].as_str().context("an entry without a room")?;
        self.diary.see(room, seen(contents)?);
        if let (Some((_, offset)), Some(new)) = (&mut self.session, event[2].as_str()) {
            new.clone_into(offset);
        }
        Ok(())
    }

    fn note_ack(&mut self, number: u64, contents: &str) -> anyhow::Result<()> {
        let Some(pending) = self.pending.take_if(|one| one.awaited == Some(number)) else {
            return Ok(());
        };
        let answer: Value = serde_json::from_str(contents)?;
        let answer = &answer[0];
        match answer["code"].as_str() {
            None => {
                let seq = answer["seq"].as_u64().or_else(|| answer["id"].as_u64());
                let seq = seq.context("an acknowledgement without a number")?;
                self.diary.acked.push(Acked { room: pending.room, key: pending.key, seq });
            }
            Some(code) if PASSING.contains(&code) => {
                let due = Instant::now() + REFUSED_PAUSE;
                self.pending = Some(Pending { awaited: None, due, ..pending });
            }
            Some(_) => self.diary.refused.push(answer.to_string()),
        }
        Ok(())
    }
}

/// An entry as ours and as the peer's events tell it.
fn seen(entry: &Value) -> anyhow::Result<Seen> {
    let seq = entry["seq"].as_u64().or_else(|| entry["id"].as_u64());
    let seq = seq.with_context(|| format!("an entry without a number: {entry}"))?;
    let key = entry["text"].as_str().unwrap_or_default().to_owned();
    Ok(Seen { seq, key })
}
