//! Replicas that share leases in a real Redis, with messages reordered, delayed and lost at random: Redis never holds a
//! lease for a replica that does not know of it, since its place would be unused until it expires.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use toneup_worker::flow::admission::{Admission, InstanceId, Start};
use toneup_worker::flow::instance::Ended;
use toneup_worker::flow::limit::Signals;
use toneup_worker::flow::sharing::{Exchange, Granted, Lease, Name, Sharing, Ticket};

const REPLICAS: usize = 3;
const INSTANCES: u64 = 2;
const SLOTS: u32 = 2;
const STEPS: usize = 300;
const SERVICE: Duration = Duration::from_millis(500);

/// A worker: its queue, its running jobs, and the messages in transit to it.
struct Replica {
    admission: Admission,
    sharing: Sharing,
    running: Vec<Start>,
    waiting: Vec<Ticket>,
    /// An exchange that Redis has applied and whose reply is in transit.
    answer: Option<(Exchange, Granted)>,
    /// Messages in transit.
    messages: Vec<Lease>,
    tickets: u64,
}

struct World {
    random: StdRng,
    replicas: Vec<Replica>,
    now: Instant,
}

fn signals() -> Signals {
    Signals { slots: SLOTS, free: 1, waited: Duration::ZERO, idle: Some(Duration::ZERO) }
}

impl Replica {
    fn new(sharing: Sharing) -> Self {
        let mut admission = Admission::default();
        let live: BTreeMap<InstanceId, Name> =
            (0..INSTANCES).map(|id| (id, format!("analyzer-{id}"))).collect();
        admission.set_instances(live);
        for id in 0..INSTANCES {
            admission.introduced(id, signals());
        }
        let (running, waiting, messages) = (Vec::new(), Vec::new(), Vec::new());
        Self { admission, sharing, running, waiting, answer: None, messages, tickets: 0 }
    }

    fn owns(&self, lease: &Lease) -> bool {
        let named = |ticket: &str| ticket.split('/').next().map(str::to_owned);
        named(&lease.ticket) == named(&self.sharing.ticket(0))
    }

    fn join(&mut self) {
        self.tickets += 1;
        let ticket = self.sharing.ticket(self.tickets);
        self.waiting.push(ticket.clone());
        self.admission.join(ticket);
    }

    fn leave(&mut self, at: usize) {
        let ticket = self.waiting.remove(at);
        self.admission.leave(&ticket);
    }

    fn start(&mut self, now: Instant) {
        while let Some(start) = self.admission.next(now) {
            self.waiting.retain(|ticket| *ticket != start.ticket);
            self.running.push(start);
        }
    }

    fn end(&mut self, at: usize, now: Instant, ended: Ended) {
        let start = self.running.remove(at);
        self.admission.ended(now, &start, SERVICE, ended, 0.0);
    }

    fn receive_answer(&mut self) {
        if let Some((_, granted)) = self.answer.take() {
            self.admission.granted(granted);
        }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let config = toneup_testing::redis();
        let replica = |_| Replica::new(Sharing::new(&config).unwrap());
        let replicas = (0..REPLICAS).map(replica).collect();
        Self { random: StdRng::seed_from_u64(seed), replicas, now: Instant::now() }
    }

    /// Performs an exchange; the reply and the messages to other replicas are in transit from then on.
    async fn exchange(&mut self, at: usize) {
        let replica = &mut self.replicas[at];
        let told = replica.admission.exchange(self.now);
        let before = replica.sharing.leases().await.unwrap();
        let granted = replica.sharing.exchange(&told).await.unwrap();
        let after = replica.sharing.leases().await.unwrap();
        replica.answer = Some((told, granted));
        for lease in after.difference(&before) {
            let owner = self.replicas.iter().position(|replica| replica.owns(lease));
            // The sender of the exchange learns of its leases by the reply.
            if let Some(owner) = owner.filter(|owner| *owner != at) {
                self.replicas[owner].messages.push(lease.clone());
            }
        }
    }

    async fn step(&mut self) {
        let at = self.random.random_range(0..REPLICAS);
        let what = self.random.random_range(0..100);
        let (now, replica) = (self.now, &mut self.replicas[at]);
        match what {
            0..25 => replica.join(),
            25..30 if !replica.waiting.is_empty() => {
                let which = self.random.random_range(0..replica.waiting.len());
                replica.leave(which);
            }
            30..50 if !replica.running.is_empty() => {
                let which = self.random.random_range(0..replica.running.len());
                let ended = match self.random.random_range(0..10) {
                    0 => Ended::Unreachable,
                    1 => Ended::Abandoned,
                    _ => Ended::Answered(Some(signals())),
                };
                replica.end(which, now, ended);
            }
            50..60 => self.now += SERVICE,
            60..75 if replica.answer.is_none() => self.exchange(at).await,
            75..90 => replica.receive_answer(),
            90..92 => {
                // The reply is lost, as when the connection breaks.
                if let Some((told, _)) = replica.answer.take() {
                    replica.admission.disconnected(told);
                }
            }
            92..98 if !replica.messages.is_empty() => {
                let which = self.random.random_range(0..replica.messages.len());
                let lease = replica.messages.remove(which);
                // One in three is lost.
                if self.random.random_range(0..3) > 0 {
                    replica.admission.grant(lease);
                }
            }
            _ => replica.admission.wanted(),
        }
        let now = self.now;
        self.replicas[at].start(now);
    }

    /// Delivers everything in transit, and lets every replica exchange again.
    async fn settle(&mut self) {
        for _ in 0..3 {
            for at in 0..REPLICAS {
                self.replicas[at].receive_answer();
                self.exchange(at).await;
                self.replicas[at].receive_answer();
                for replica in &mut self.replicas {
                    for lease in replica.messages.drain(..) {
                        replica.admission.grant(lease);
                    }
                }
            }
        }
    }

    /// Leases stored in Redis that their replica does not know of.
    async fn orphans(&self) -> Vec<Lease> {
        let known: BTreeSet<Lease> =
            self.replicas.iter().flat_map(|replica| replica.admission.leases()).collect();
        self.replicas[0].sharing.leases().await.unwrap().difference(&known).cloned().collect()
    }
}

#[tokio::test]
async fn no_lease_is_held_that_its_replica_does_not_know_of() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let mut most = 0;
        for step in 0..STEPS {
            world.step().await;
            if step % 50 == 49 {
                world.settle().await;
                assert_eq!(world.orphans().await, [], "seed {seed}, step {step}");
                most = most.max(world.replicas[0].sharing.leases().await.unwrap().len());
            }
        }
        assert!(most > 0, "leases were granted");
    }
}
