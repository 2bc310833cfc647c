//! The whole life of jobs, in whatever order things happen: submits, publishes, duplicate deliveries, claims, crashes,
//! late results, cancels, deadlines, sweeps, lost messages. After any such history, once the world is quiet, every job
//! has ended exactly once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sqlx::MySqlPool;
use tokio::runtime::Handle;
use toneup_colour::analysis::ANALYSIS;
use toneup_colour::result::PersonalColor;
use toneup_jobs::broker::message::Publication;
use toneup_jobs::job::{Changed, JobId};
use toneup_jobs::kind::Kind;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_jobs::share::Share;
use toneup_jobs::store::audit::{Suspects, find_missing, mark_lost, now};
use toneup_jobs::store::claim::{Claim, Claimed};
use toneup_jobs::store::due::{Scope, note_published};
use toneup_jobs::store::fairness::release_room;
use toneup_jobs::store::finish::{Finish, Guard};
use toneup_jobs::store::lease::{Message, hand_back, retry_later};
use toneup_jobs::store::submit::{Allowance, NewJob};
use toneup_notify::events::list_after;
use toneup_platform::identity::UserId;

use crate::support::{
    GRACE, MAX_ATTEMPTS, analysis, claim, commit_finish, end, insert, new, season, take_due,
    time_passes, user,
};

const CASES: u32 = 24;
const LENGTH: usize = 50;
const ALLOWANCE: Allowance = Allowance { share: 3, ceiling: 100 };

/// Something that happens. A number chooses among what there is to choose from.
#[derive(Debug, Clone, Copy)]
enum Event {
    Submit(u8),
    /// A photo comes that has been answered before.
    SubmitAnswered(u8),
    /// A message reaches the queue; the flag says if the database records the confirm.
    Publish(u8, bool),
    /// The publishing process ends before it publishes.
    LosePublication(u8),
    /// A message reaches a worker; whether it also stays in the queue, and whether it counts as redelivered.
    Deliver(u8, bool, bool),
    Succeed(u8),
    Fail(u8),
    HandBack(u8),
    /// A worker vanishes with its job.
    Crash(u8),
    Cancel(u8),
    DeadlinePasses(u8),
    /// Leases, graces and backoffs run out.
    TimePasses,
    Sweep,
    /// The queue is purged.
    Purge,
    Audit,
}

fn event() -> impl Strategy<Value = Event> {
    use Event as E;
    prop_oneof![
        6 => any::<u8>().prop_map(E::Submit),
        1 => any::<u8>().prop_map(E::SubmitAnswered),
        8 => (any::<u8>(), any::<bool>()).prop_map(|(which, noted)| E::Publish(which, noted)),
        1 => any::<u8>().prop_map(E::LosePublication),
        9 => (any::<u8>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2))
            .prop_map(|(which, stays, redelivered)| E::Deliver(which, stays, redelivered)),
        4 => any::<u8>().prop_map(E::Succeed),
        2 => any::<u8>().prop_map(E::Fail),
        1 => any::<u8>().prop_map(E::HandBack),
        2 => any::<u8>().prop_map(E::Crash),
        1 => any::<u8>().prop_map(E::Cancel),
        1 => any::<u8>().prop_map(E::DeadlinePasses),
        2 => Just(E::TimePasses),
        5 => Just(E::Sweep),
        1 => Just(E::Purge),
        2 => Just(E::Audit),
    ]
}

/// State outside of the database.
struct World {
    db: MySqlPool,
    users: Vec<UserId>,
    submitted: Vec<(UserId, JobId)>,
    publications: Vec<Publication>,
    queue: Vec<JobId>,
    workers: Vec<Claimed>,
    suspects: Suspects,
    /// Number of ends reported for each analysis.
    ends: BTreeMap<JobId, u32>,
}

/// The element that a number chooses, taken out.
fn take<T>(items: &mut Vec<T>, which: u8) -> Option<T> {
    (!items.is_empty()).then(|| items.remove(usize::from(which) % items.len()))
}

impl World {
    async fn new(db: MySqlPool) -> Self {
        let users = vec![user(&db).await, user(&db).await];
        Self {
            db,
            users,
            submitted: Vec::new(),
            publications: Vec::new(),
            queue: Vec::new(),
            workers: Vec::new(),
            suspects: Suspects::default(),
            ends: BTreeMap::new(),
        }
    }

    async fn happen(&mut self, event: Event) {
        match event {
            Event::Submit(which) => self.submit(self.users[usize::from(which) % 2], false).await,
            Event::SubmitAnswered(which) => {
                self.submit(self.users[usize::from(which) % 2], true).await;
            }
            Event::Publish(which, noted) => {
                let Some(publication) = take(&mut self.publications, which) else { return };
                self.queue.push(publication.job);
                if noted {
                    let confirmed = [(publication.job, publication.sequence)];
                    let mut connection = self.db.acquire().await.unwrap();
                    note_published(&mut connection, &confirmed).await.unwrap();
                }
            }
            Event::LosePublication(which) => drop(take(&mut self.publications, which)),
            Event::Deliver(which, stays, redelivered) => {
                let Some(id) = take(&mut self.queue, which) else { return };
                if stays {
                    self.queue.push(id);
                }
                self.deliver(id, redelivered).await;
            }
            Event::Succeed(which) => {
                let Some(claimed) = take(&mut self.workers, which) else { return };
                let result = season(PersonalColor::Winter);
                self.end(&claimed, Outcome::Succeeded(result)).await;
            }
            Event::Fail(which) => {
                let Some(claimed) = take(&mut self.workers, which) else { return };
                self.fail(&claimed).await;
            }
            Event::HandBack(which) => {
                let Some(claimed) = take(&mut self.workers, which) else { return };
                let mut connection = self.db.acquire().await.unwrap();
                hand_back(&mut connection, claimed.lease, Message::Anew).await.unwrap();
            }
            Event::Crash(which) => drop(take(&mut self.workers, which)),
            Event::Cancel(which) => {
                let Some((user, analysis)) = self.pick(which) else { return };
                let outcome = Outcome::Cancelled;
                self.finish(end(user, analysis, Guard::Active, outcome)).await;
            }
            Event::DeadlinePasses(which) => {
                let Some((_, analysis)) = self.pick(which) else { return };
                sqlx::query(
                    "UPDATE jobs SET deadline = NOW(3), publish_due = IF(status = 'queued', \
                     NOW(3), publish_due) WHERE id = ? AND finished_at IS NULL",
                )
                .bind(analysis)
                .execute(&self.db)
                .await
                .unwrap();
            }
            Event::TimePasses => time_passes(&self.db).await,
            Event::Sweep => self.sweep().await,
            Event::Purge => self.queue.clear(),
            Event::Audit => self.audit().await,
        }
    }

    fn pick(&self, which: u8) -> Option<(UserId, JobId)> {
        let index = usize::from(which).checked_rem(self.submitted.len())?;
        Some(self.submitted[index])
    }

    async fn submit(&mut self, user: UserId, answered: bool) {
        let result = answered.then(|| season(PersonalColor::Spring));
        let items = [NewJob { result, ..new(user) }];
        let mut transaction = self.db.begin().await.unwrap();
        let accepted = insert(&mut transaction, &items, ALLOWANCE).await;
        transaction.commit().await.unwrap();
        self.publications.extend(accepted.publications);
        self.note_ended(accepted.ended);
        self.submitted.push((user, items[0].id));
    }

    async fn deliver(&mut self, id: JobId, redelivered: bool) {
        let user = self.submitted.iter().find(|(_, submitted)| *submitted == id).unwrap().0;
        let outcome = match claim(&self.db, id, redelivered).await {
            Claim::Granted(claimed) => {
                assert!(claimed.lease.attempt <= MAX_ATTEMPTS);
                assert!(!self.ends.contains_key(&id), "nothing begins after its end");
                self.workers.push(*claimed);
                return;
            }
            Claim::Stale => return,
            Claim::Exhausted(_) => Outcome::Failed(error()),
            Claim::Overdue(_) => Outcome::Expired,
        };
        self.finish(end(user, id, Guard::Unowned, outcome)).await;
    }

    async fn fail(&mut self, claimed: &Claimed) {
        if claimed.lease.attempt >= MAX_ATTEMPTS {
            return self.end(claimed, Outcome::Failed(error())).await;
        }
        let mut connection = self.db.acquire().await.unwrap();
        retry_later(&mut connection, claimed.lease, GRACE, &error()).await.unwrap();
    }

    async fn end(&mut self, claimed: &Claimed, outcome: Outcome) {
        let guard = Guard::Leased(claimed.lease);
        let (analysis, user) = (claimed.lease.job, claimed.user);
        self.finish(end(user, analysis, guard, outcome)).await;
    }

    async fn finish(&mut self, finish: Finish) {
        let ended = commit_finish(&self.db, &[finish]).await;
        self.publications.extend(ended.released);
        self.note_ended(ended.changes.into_iter().flatten());
    }

    fn note_ended(&mut self, ended: impl IntoIterator<Item = Changed>) {
        for changed in ended {
            *self.ends.entry(changed.job).or_default() += 1;
        }
    }

    async fn sweep(&mut self) {
        let mut transaction = self.db.begin().await.unwrap();
        let due = take_due(&mut transaction, Scope::All).await;
        transaction.commit().await.unwrap();
        self.publications.extend(due.publications);
        for finish in due.finishes {
            self.finish(finish).await;
        }
        let mut transaction = self.db.begin().await.unwrap();
        let released = release_room(&mut transaction, &kind(), GRACE).await.unwrap();
        transaction.commit().await.unwrap();
        self.publications.extend(released);
    }

    async fn audit(&mut self) {
        let mut transaction = self.db.begin().await.unwrap();
        let before = now(&mut transaction).await.unwrap();
        let ready = u32::try_from(self.queue.len()).unwrap();
        let missing = find_missing(&mut transaction, ANALYSIS, before, ready).await.unwrap();
        let lost = self.suspects.find_lost(&missing);
        mark_lost(&mut transaction, &lost).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// Lets everything that is under way come to its end, without further faults.
    async fn settle(&mut self) {
        // Each round is an attempt of every job, and frees a share of the next.
        let rounds = usize::from(MAX_ATTEMPTS) * (2 + self.submitted.len());
        for _ in 0..rounds {
            if self.ends.len() == self.submitted.len() {
                return;
            }
            for event in [Event::TimePasses, Event::Sweep, Event::Audit] {
                self.happen(event).await;
            }
            while !self.publications.is_empty() {
                self.happen(Event::Publish(0, true)).await;
            }
            while !self.queue.is_empty() {
                self.happen(Event::Deliver(0, false, false)).await;
            }
            while !self.workers.is_empty() {
                self.happen(Event::Succeed(0)).await;
            }
        }
    }

    async fn check(&self) {
        let submitted: BTreeSet<JobId> = self.submitted.iter().map(|(_, id)| *id).collect();
        let ended: BTreeSet<JobId> = self.ends.keys().copied().collect();
        assert_eq!(ended, submitted, "every job ends");
        assert!(self.ends.values().all(|ends| *ends == 1), "and once: {:?}", self.ends);
        for user in &self.users {
            let mut connection = self.db.acquire().await.unwrap();
            let events = list_after(&mut connection, *user, 0, 1000).await.unwrap();
            let numbers: Vec<u64> = events.iter().map(|event| event.sequence).collect();
            let own = self.submitted.iter().filter(|(owner, _)| owner == user).count();
            assert_eq!(numbers, (1..=u64::try_from(own).unwrap()).collect::<Vec<_>>());
        }
        let held: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM held_jobs").fetch_one(&self.db).await.unwrap();
        assert_eq!(held, 0);
        let odd: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM jobs a LEFT JOIN job_outcomes o ON o.job_id = a.id
             WHERE o.job_id IS NULL OR a.finished_at IS NULL OR a.publish_due IS NOT NULL
                OR a.lease_token IS NOT NULL OR a.attempt > ?",
        )
        .bind(MAX_ATTEMPTS)
        .fetch_one(&self.db)
        .await
        .unwrap();
        assert_eq!(odd, 0, "an ended row is at rest and has its outcome");
    }
}

/// The analysis, with a share of [`ALLOWANCE`].
fn kind() -> Kind {
    Kind { share: Share::fixed(ALLOWANCE.share), ..analysis() }
}

fn error() -> JobError {
    JobError::retryable("ANALYZER_FAILED", "it failed")
}

#[sqlx::test(migrations = "../../migrations")]
async fn whatever_happens_every_job_ends_exactly_once(db: MySqlPool) {
    let runtime = Handle::current();
    let searching = tokio::task::spawn_blocking(move || {
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let histories = prop::collection::vec(event(), 1..LENGTH);
        let found = runner.run(&histories, |history| {
            runtime.block_on(async {
                let mut world = World::new(db.clone()).await;
                for event in history {
                    world.happen(event).await;
                }
                world.settle().await;
                world.check().await;
            });
            Ok(())
        });
        if let Err(failure) = found {
            panic!("{failure}");
        }
    });
    searching.await.unwrap();
}
