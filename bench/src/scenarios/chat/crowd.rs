//! Connected clients that send numbered messages and record what they receive.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::world::Person;
use crate::sockets::{Packet, Socket};

/// Connections opened at a time.
const AT_ONCE: usize = 64;

/// Times of a run, in microseconds since its start.
#[derive(Debug)]
pub(super) struct Times {
    begun: Instant,
    /// Times of sending by number of the message.
    sent: Vec<AtomicU64>,
    /// Times of the last arrival by number of the message.
    last: Vec<AtomicU64>,
    /// Deliveries so far, the senders' own included.
    pub(super) received: AtomicU64,
    /// Acknowledgements so far.
    pub(super) acked: AtomicU64,
}

impl Times {
    /// Prepares a run of at most `messages`.
    pub(super) fn new(messages: usize) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            sent: (0..messages).map(|_| AtomicU64::new(0)).collect(),
            last: (0..messages).map(|_| AtomicU64::new(0)).collect(),
            received: AtomicU64::new(0),
            acked: AtomicU64::new(0),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Milliseconds from the sending of a message until it arrived at the last of those who got it.
    pub(super) fn last_arrival(&self, message: usize) -> Option<f64> {
        self.since_sent(message, self.last.get(message)?.load(Ordering::Relaxed))
    }

    /// Milliseconds from the sending of a message until a time.
    fn since_sent(&self, message: usize, at: u64) -> Option<f64> {
        let sent = self.sent.get(message)?.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of minutes")]
        let micros = at.saturating_sub(sent) as f64;
        Some(micros / 1e3)
    }
}

/// What a client has to send.
#[derive(Debug)]
struct Order {
    messages: Vec<usize>,
    /// Messages that may wait for their acknowledgements at once.
    window: usize,
}

/// Record of one client.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Milliseconds from the sending of others' messages to their arrival here.
    pub(super) delays: Vec<f64>,
    /// Milliseconds from the sending of own messages to their acknowledgement.
    pub(super) acks: Vec<f64>,
    /// Messages that were refused.
    pub(super) refused: Vec<String>,
}

/// A connected client.
#[derive(Debug)]
struct Client {
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<anyhow::Result<Log>>,
}

/// Connected clients.
#[derive(Debug)]
pub(super) struct Crowd {
    clients: Vec<Client>,
    times: Arc<Times>,
}

impl Crowd {
    /// Connects everybody.
    pub(super) async fn gather(
        address: SocketAddr,
        people: &[Person],
        times: &Arc<Times>,
    ) -> anyhow::Result<Self> {
        let tasks = TaskTracker::new();
        let opening = people.iter().map(|person| {
            let (tasks, times) = (tasks.clone(), Arc::clone(times));
            async move {
                let socket = open(address, person).await?;
                let (orders, ordered) = mpsc::unbounded_channel();
                let living = live(socket, person.room.clone(), ordered, times);
                anyhow::Ok(Client { orders, task: tasks.spawn(living) })
            }
        });
        let clients = stream::iter(opening).buffered(AT_ONCE).try_collect().await?;
        Ok(Self { clients, times: Arc::clone(times) })
    }

    /// Number of clients.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Has a client send messages, so many at once at most.
    pub(super) fn send(&self, client: usize, messages: Vec<usize>, window: usize) {
        // An error means that the client has ended, which `disperse` reports.
        self.clients[client].orders.send(Order { messages, window }).ok();
    }

    /// Waits until so many messages were received and acknowledged, or for `patience` without any progress.
    pub(super) async fn settle(&self, received: u64, acked: u64, patience: Duration) {
        let mut before = (0, 0);
        let mut moved_at = Instant::now();
        loop {
            let now = (
                self.times.received.load(Ordering::Relaxed),
                self.times.acked.load(Ordering::Relaxed),
            );
            if now.0 >= received && now.1 >= acked {
                return;
            }
            if now != before {
                (before, moved_at) = (now, Instant::now());
            } else if moved_at.elapsed() > patience {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Disconnects everybody, and returns their records.
    pub(super) async fn disperse(self) -> anyhow::Result<Log> {
        let mut all = Log::default();
        for Client { orders, task } in self.clients {
            drop(orders);
            let log = task.await??;
            all.delays.extend(log.delays);
            all.acks.extend(log.acks);
            all.refused.extend(log.refused);
        }
        Ok(all)
    }
}

/// Connects a client, and has it follow its rooms.
pub(super) async fn open(address: SocketAddr, person: &Person) -> anyhow::Result<Socket> {
    let mut socket = Socket::connect(address, &person.auth).await?;
    if person.syncs {
        let synced = socket.ask("sync", &json!({ "rooms": {} })).await?;
        if synced.get("code").is_some() {
            bail!("a sync was refused: {synced}");
        }
    }
    if person.views {
        let shown = socket.ask("joinRoom", &json!({ "room": person.room })).await?;
        if shown.get("code").is_some() {
            bail!("a room is not shown: {shown}");
        }
    }
    Ok(socket)
}

/// Number of the message whose event or contents this is.
pub(super) fn number_in(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once('#')?;
    rest.split_once('#')?.0.parse().ok()
}

/// Sends what is ordered and records what comes, until there are no more orders.
async fn live(
    mut socket: Socket,
    room: String,
    mut orders: mpsc::UnboundedReceiver<Order>,
    times: Arc<Times>,
) -> anyhow::Result<Log> {
    let mut log = Log::default();
    let (mut waiting, mut own) = (HashMap::new(), HashSet::new());
    let (mut to_send, mut window) = (VecDeque::<usize>::new(), usize::MAX);
    loop {
        while waiting.len() < window
            && let Some(message) = to_send.pop_front()
        {
            times.sent[message].store(times.now(), Ordering::Relaxed);
            let contents = json!({ "room": room, "text": format!("#{message}# hello"), "clientKey": message.to_string() });
            own.insert(message);
            waiting.insert(socket.emit("chat", &contents).await?, message);
        }
        let packet = tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else { return Ok(log) };
                to_send.extend(order.messages);
                window = order.window;
                continue;
            }
            packet = socket.next() => packet?.context("the server closed a connection")?,
        };
        let now = times.now();
        match packet {
            Packet::Event(event) if event.starts_with("[\"chat\"") => {
                let Some(message) = number_in(&event) else { continue };
                times.received.fetch_add(1, Ordering::Relaxed);
                times.last[message].fetch_max(now, Ordering::Relaxed);
                if !own.contains(&message) {
                    log.delays.extend(times.since_sent(message, now));
                }
            }
            Packet::Ack(number, contents) => {
                let Some(message) = waiting.remove(&number) else { continue };
                if contents.contains("\"code\":") {
                    log.refused.push(contents);
                } else {
                    times.acked.fetch_add(1, Ordering::Relaxed);
                    log.acks.extend(times.since_sent(message, now));
                }
            }
            Packet::Event(_) => {}
            Packet::Disconnected => bail!("the server disconnected a client"),
        }
    }
}
