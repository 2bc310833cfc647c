//! Fault schedule: kinds, targets, times and durations, as a pure function of the seed.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::stub::Health;

/// Number of replicas of the api.
pub(crate) const APIS: usize = 3;
/// Number of replicas of the worker.
pub(crate) const WORKERS: usize = 3;
/// Index of the worker whose clock can be moved.
pub(crate) const SKEWED_WORKER: usize = WORKERS - 1;

/// Programs that are killed and terminated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Program {
    Api,
    Worker,
    Analyzer,
}

/// Servers that the programs depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Server {
    RabbitMq,
    MariaDb,
    Redis,
    S3,
}

/// Network links, by client and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Link {
    ClientApi,
    ApiDatabase,
    ApiBroker,
    ApiRedis,
    WorkerDatabase,
    WorkerBroker,
    WorkerRedis,
    WorkerStore,
    WorkerAnalyzer,
}

/// Fault of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Breakage {
    /// All connections are reset, and all new ones too.
    Cut,
    /// Bytes are received and not forwarded.
    Stall,
    /// The end of the stream is sent to the client; the other direction goes on.
    HalfCloseToCaller,
    /// The end of the stream is sent to the server; the other direction goes on.
    HalfCloseToServer,
    /// A few bytes are forwarded at a time.
    Slow,
}

/// Kind of a fault, as counted in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// SIGKILL of a program, then a restart.
    Kill(Program),
    /// SIGTERM of a program, then a restart.
    Terminate(Program),
    /// SIGKILL of a server, then a restart.
    Crash(Server),
    /// Deletion of all messages in the jobs queue.
    PurgeQueue,
    /// Deletion of the jobs queue.
    DeleteQueue,
    /// Memory alarm: the broker blocks all publishers.
    MemoryAlarm,
    /// Duplication: every message is delivered twice.
    Duplicates,
    /// Poison message: one that no worker can parse.
    Poison,
    /// Fault of a network link.
    Break(Link, Breakage),
    /// Wrong responses of the analyzer.
    Misbehave(Health),
    /// Clock skew of one worker, in seconds.
    Skew(i32),
}

/// One fault to be injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// Index of the affected replica; `None`: all of them.
    pub(crate) replica: Option<usize>,
    /// Start, relative to the start of the slot.
    pub(crate) begins: Duration,
    /// Duration until it is cleared; for a process or server, until it is restarted.
    pub(crate) lasts: Duration,
}

/// Faults that overlap in time.
pub(crate) type Slot = Vec<Fault>;

const PROGRAMS: [Program; 3] = [Program::Api, Program::Worker, Program::Analyzer];
const SERVERS: [Server; 4] = [Server::RabbitMq, Server::MariaDb, Server::Redis, Server::S3];
const LINKS: [Link; 9] = [
    Link::ClientApi,
    Link::ApiDatabase,
    Link::ApiBroker,
    Link::ApiRedis,
    Link::WorkerDatabase,
    Link::WorkerBroker,
    Link::WorkerRedis,
    Link::WorkerStore,
    Link::WorkerAnalyzer,
];
const MISBEHAVIOURS: [Health; 7] = [
    Health::Hanging,
    Health::Trickling,
    Health::Failing,
    Health::Garbage,
    Health::WrongType,
    Health::Truncated,
    Health::Refusing,
];
/// Clock skew: five minutes, much more than the duration of a lease or the grace of a publish.
const SKEW_SECONDS: i32 = 300;

/// All kinds, each injected at least once. Half-closes go in either direction, drawn per link.
fn all(random: &mut StdRng) -> Vec<Kind> {
    let mut kinds = Vec::new();
    kinds.extend(PROGRAMS.map(Kind::Kill));
    kinds.extend(PROGRAMS.map(Kind::Terminate));
    kinds.extend(SERVERS.map(Kind::Crash));
    kinds.extend([Kind::PurgeQueue, Kind::DeleteQueue, Kind::MemoryAlarm]);
    kinds.extend([Kind::Duplicates, Kind::Poison]);
    kinds.extend(MISBEHAVIOURS.map(Kind::Misbehave));
    kinds.extend([SKEW_SECONDS, -SKEW_SECONDS].map(Kind::Skew));
    for link in LINKS {
        let half = if random.random_bool(0.5) {
            Breakage::HalfCloseToCaller
        } else {
            Breakage::HalfCloseToServer
        };
        kinds.extend([Breakage::Cut, Breakage::Stall, half].map(|how| Kind::Break(link, how)));
    }
    for _ in 0..SLOW_LINKS {
        let link = LINKS[random.random_range(0..LINKS.len())];
        kinds.push(Kind::Break(link, Breakage::Slow));
    }
    kinds
}

const SLOW_LINKS: usize = 2;

/// Selection for a short run, of about a minute: one of every sort except those with the slowest recovery.
fn some(random: &mut StdRng) -> Vec<Kind> {
    let mut links = LINKS;
    links.shuffle(random);
    vec![
        Kind::Kill(Program::Worker),
        Kind::Terminate(Program::Api),
        Kind::Crash(Server::MariaDb),
        Kind::Crash(Server::Redis),
        Kind::DeleteQueue,
        Kind::Duplicates,
        Kind::Misbehave(Health::Failing),
        Kind::Break(Link::WorkerBroker, Breakage::Cut),
        Kind::Break(links[0], Breakage::Stall),
        Kind::Break(links[1], Breakage::HalfCloseToCaller),
    ]
}

/// Draws the schedule of a run.
pub(crate) fn schedule(seed: u64, short: bool) -> Vec<Slot> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut kinds = if short { some(&mut random) } else { all(&mut random) };
    kinds.shuffle(&mut random);
    let mut slots = Vec::new();
    while let Some(first) = kinds.pop() {
        // One that clashes with all that are left overlaps with nothing; its slot still has its place.
        let partner = kinds.iter().rposition(|second| !clash(first, *second));
        let second = partner.map(|at| kinds.remove(at));
        let mut slot = vec![fault(first, Duration::ZERO, &mut random)];
        if let Some(second) = second {
            // Begins while the first still lasts.
            let latest = slot[0].lasts.mul_f64(0.7);
            let begins = latest.mul_f64(random.random_range(0.0..1.0));
            slot.push(fault(second, begins, &mut random));
        }
        slots.push(slot);
    }
    if !short {
        slots.push(long_absence());
    }
    slots
}

/// Slot without Redis and without the broker, long enough that nobody can wait for them.
fn long_absence() -> Slot {
    let away = |server| Fault {
        kind: Kind::Crash(server),
        replica: None,
        begins: FIRST,
        lasts: Duration::from_secs(30),
    };
    vec![away(Server::Redis), away(Server::RabbitMq)]
}

/// Draws the target and the duration of a fault.
fn fault(kind: Kind, after: Duration, random: &mut StdRng) -> Fault {
    let replicas = match kind {
        Kind::Kill(Program::Api) | Kind::Terminate(Program::Api) => Some(APIS),
        Kind::Kill(Program::Worker) | Kind::Terminate(Program::Worker) => Some(WORKERS),
        Kind::Break(link, _) => Some(link.replicas()),
        _ => None,
    };
    let one = replicas.map(|replicas| random.random_range(0..replicas));
    let of_all = matches!(kind, Kind::Break(..)) && random.random_bool(0.5);
    let (shortest, longest) = kind.lasts_ms();
    Fault {
        kind,
        replica: one.filter(|_| !of_all),
        begins: FIRST + after,
        lasts: Duration::from_millis(random.random_range(shortest..=longest)),
    }
}

/// Delay of the faults after the burst at the start of a slot, so that jobs are running.
const FIRST: Duration = Duration::from_millis(400);

impl Kind {
    fn lasts_ms(self) -> (u64, u64) {
        match self {
            Self::Kill(_) | Self::Terminate(_) => (300, 2_000),
            Self::Crash(Server::MariaDb) => (1_000, 4_000),
            Self::Crash(_) => (500, 2_500),
            Self::PurgeQueue | Self::DeleteQueue | Self::Poison => (500, 1_000),
            // Longer than an analyzer is waited for.
            Self::Misbehave(Health::Hanging | Health::Trickling) => (6_000, 7_000),
            Self::Misbehave(_) => (2_000, 4_000),
            Self::Duplicates | Self::Skew(_) => (5_000, 7_000),
            Self::MemoryAlarm => (3_000, 5_000),
            Self::Break(..) => (1_500, 5_000),
        }
    }

    fn needs_the_broker(self) -> bool {
        let queue = [Self::PurgeQueue, Self::DeleteQueue, Self::MemoryAlarm];
        queue.contains(&self) || matches!(self, Self::Duplicates | Self::Poison)
    }

    fn program(self) -> Option<Program> {
        match self {
            Self::Kill(program) | Self::Terminate(program) => Some(program),
            Self::Misbehave(_) => Some(Program::Analyzer),
            _ => None,
        }
    }

    fn link(self) -> Option<Link> {
        if let Self::Break(link, _) = self { Some(link) } else { None }
    }
}

/// True if two faults cannot be injected at the same time, because one needs what the other removes.
fn clash(first: Kind, second: Kind) -> bool {
    let crashes = |kind| kind == Kind::Crash(Server::RabbitMq);
    let either = |a: fn(Kind) -> bool, b: fn(Kind) -> bool| {
        (a(first) && b(second)) || (a(second) && b(first))
    };
    let same_program = first.program().is_some() && first.program() == second.program();
    let same_link = first.link().is_some() && first.link() == second.link();
    let both_skew = matches!((first, second), (Kind::Skew(_), Kind::Skew(_)));
    same_program
        || same_link
        || both_skew
        || either(crashes, Kind::needs_the_broker)
        // The alarm would keep the poison out, and with the queue the poison goes too.
        || either(keeps_poison_out, |kind| kind == Kind::Poison)
}

fn keeps_poison_out(kind: Kind) -> bool {
    matches!(kind, Kind::MemoryAlarm | Kind::PurgeQueue | Kind::DeleteQueue)
}

impl Link {
    /// Number of processes that have such a link.
    pub(crate) fn replicas(self) -> usize {
        match self {
            Self::ClientApi | Self::ApiDatabase | Self::ApiBroker | Self::ApiRedis => APIS,
            _ => WORKERS,
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientApi => "client-api",
            Self::ApiDatabase => "api-database",
            Self::ApiBroker => "api-broker",
            Self::ApiRedis => "api-redis",
            Self::WorkerDatabase => "worker-database",
            Self::WorkerBroker => "worker-broker",
            Self::WorkerRedis => "worker-redis",
            Self::WorkerStore => "worker-s3",
            Self::WorkerAnalyzer => "worker-analyzer",
        })
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Analyzer => "analyzer",
        })
    }
}

impl Server {
    /// Name of the server in `scripts/services.sh`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RabbitMq => "rabbitmq",
            Self::MariaDb => "mariadb",
            Self::Redis => "redis",
            Self::S3 => "s3",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(program) => write!(f, "kill -9 {program}"),
            Self::Terminate(program) => write!(f, "SIGTERM {program}"),
            Self::Crash(server) => write!(f, "kill -9 {}", server.name()),
            Self::PurgeQueue => f.write_str("queue purged"),
            Self::DeleteQueue => f.write_str("queue deleted"),
            Self::MemoryAlarm => f.write_str("memory alarm"),
            Self::Duplicates => f.write_str("duplicates"),
            Self::Poison => f.write_str("poison message"),
            Self::Break(link, Breakage::Cut) => write!(f, "cut {link}"),
            Self::Break(link, Breakage::Stall) => write!(f, "stall {link}"),
            Self::Break(link, Breakage::Slow) => write!(f, "slow {link}"),
            Self::Break(link, _) => write!(f, "half-close {link}"),
            Self::Misbehave(health) => write!(f, "analyzer {}", name_of(*health)),
            Self::Skew(seconds) => write!(f, "worker clock {seconds:+} s"),
        }
    }
}

fn name_of(health: Health) -> &'static str {
    match health {
        Health::Up => "up",
        Health::Down => "down",
        Health::Hanging => "hanging",
        Health::Trickling => "byte by byte",
        Health::Failing => "500",
        Health::Garbage => "garbage",
        Health::WrongType => "wrong type",
        Health::Truncated => "truncated",
        Health::Refusing => "503",
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(replica) = self.replica {
            write!(f, " {}", replica + 1)?;
        }
        write!(f, " for {:.1} s", self.lasts.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_seed_decides_everything() {
        for short in [false, true] {
            assert_eq!(schedule(7, short), schedule(7, short));
            assert_ne!(schedule(7, short), schedule(8, short));
        }
    }

    #[test]
    fn every_fault_is_injected_whatever_the_seed() {
        for seed in 0..50 {
            let names: HashSet<String> = schedule(seed, false)
                .iter()
                .flatten()
                .map(|fault| fault.kind.to_string())
                .collect();
            let mut random = StdRng::seed_from_u64(seed);
            for kind in all(&mut random) {
                assert!(names.contains(&kind.to_string()), "seed {seed}: no {kind}");
            }
            for link in LINKS {
                for how in ["cut", "stall", "half-close"] {
                    assert!(names.contains(&format!("{how} {link}")), "seed {seed}: {how} {link}");
                }
            }
        }
    }

    #[test]
    fn faults_come_in_overlapping_pairs_that_do_not_clash() {
        for seed in 0..50 {
            let slots = schedule(seed, false);
            let pairs = slots.iter().filter(|slot| slot.len() == 2).count();
            assert!(pairs * 10 >= slots.len() * 8, "seed {seed}: {pairs} of {}", slots.len());
            for slot in slots.iter().filter(|slot| slot.len() == 2) {
                assert!(!clash(slot[0].kind, slot[1].kind), "seed {seed}: {slot:?}");
                assert!(slot[1].begins < slot[0].begins + slot[0].lasts, "seed {seed}: {slot:?}");
            }
        }
    }

    #[test]
    fn what_takes_the_broker_away_clashes_with_what_asks_it() {
        assert!(clash(Kind::Crash(Server::RabbitMq), Kind::PurgeQueue));
        assert!(clash(Kind::Duplicates, Kind::Crash(Server::RabbitMq)));
        assert!(clash(Kind::Kill(Program::Analyzer), Kind::Misbehave(Health::Failing)));
        assert!(!clash(Kind::Kill(Program::Worker), Kind::Crash(Server::MariaDb)));
    }

    #[test]
    fn a_run_takes_its_time_and_no_more() {
        for seed in 0..50 {
            let ends = |fault: &Fault| fault.begins + fault.lasts;
            let slots = schedule(seed, false);
            let whole: Duration =
                slots.iter().map(|slot| slot.iter().map(ends).max().unwrap_or_default()).sum();
            assert!(whole < Duration::from_secs(230), "seed {seed}: {whole:?} without recoveries");
        }
    }
}
