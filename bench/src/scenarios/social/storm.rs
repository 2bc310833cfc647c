//! Everybody toggles one post while a replica and the database are killed: what the rows, the counter and the people say.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use hyper::{Method, StatusCode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use super::crowd::{Crowd, Person};
use super::fill::id;
use crate::load::wire::Wire;
use crate::report::Row;
use crate::site::Site;
use crate::site::database::OwnDatabase;

/// Connections at a time.
const CLIENTS: usize = 500;
/// Wishes of one half of the people; the other half has one more, so that some like the post in the end, and some do not.
const WISHES: usize = 3;
/// Pause before a request is repeated.
const PAUSE: Duration = Duration::from_millis(100);
/// Time for which the killed ones are away.
const AWAY: Duration = Duration::from_millis(700);

/// The counts of a run.
#[derive(Debug, Default)]
struct Counts {
    done: AtomicUsize,
    /// Answers that never came.
    lost: AtomicUsize,
    /// Refusals that say when to come again.
    asked_to_wait: AtomicUsize,
    errors: AtomicUsize,
}

/// Where a run's requests go.
#[derive(Debug)]
struct Target {
    apis: Vec<String>,
    post: u64,
    counts: Counts,
}

/// Runs one seed.
pub(super) async fn run(
    site: &Site,
    database: &mut OwnDatabase,
    crowd: &Crowd,
    seed: u64,
) -> anyhow::Result<Row> {
    // A post of its own for each seed.
    let target = Target { apis: site.apis(), post: seed, counts: Counts::default() };
    let target = Arc::new(target);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (target, crowd) = (Arc::clone(&target), crowd.clone());
        clients.spawn(async move { target.client(&crowd, client).await });
    }
    let all = crowd.0.len() * WISHES;
    kill(site, database, &target.counts.done, all, seed).await?;
    let mut told = HashMap::new();
    while let Some(ended) = clients.join_next().await {
        told.extend(ended?);
    }
    judge(site, &target, &told, seed).await
}

/// Kills a replica and the database, each at a moment that the seed chooses, and starts them again.
async fn kill(
    site: &Site,
    database: &mut OwnDatabase,
    done: &AtomicUsize,
    all: usize,
    seed: u64,
) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut moment = |from: usize, to: usize| all * random.random_range(from..to) / 100;
    let moments = [moment(10, 40), moment(50, 80)];
    let reached = async |moment: usize| {
        while done.load(Ordering::Relaxed) < moment {
            sleep(Duration::from_millis(2)).await;
        }
    };
    reached(moments[0]).await;
    site.kill_replica(0).await;
    sleep(AWAY).await;
    site.start_replica(0).await?;
    reached(moments[1]).await;
    database.kill().await;
    sleep(AWAY).await;
    database.revive().await
}

impl Target {
    /// The wishes of every person whose turn is this client's; returns what each was told last.
    async fn client(&self, crowd: &Crowd, client: usize) -> Vec<(Uuid, bool)> {
        let mut told = Vec::new();
        for (turn, person) in crowd.0.iter().enumerate().skip(client).step_by(CLIENTS) {
            let mut way = Way { wires: self.wires(), next: turn };
            let mut liked = false;
            for wish in 0..WISHES + turn / 2 % 2 {
                // One half toggles as the app does, the other one says what it wants.
                liked = if turn.is_multiple_of(2) {
                    self.toggle(person, &mut way).await
                } else {
                    self.set(person, wish.is_multiple_of(2), &mut way).await
                };
                self.counts.done.fetch_add(1, Ordering::Relaxed);
            }
            told.push((person.id, liked));
        }
        told
    }

    fn wires(&self) -> Vec<Wire> {
        self.apis.iter().map(|api| Wire::new(api)).collect()
    }

    async fn toggle(&self, person: &Person, way: &mut Way) -> bool {
        let path = format!("/api/feeds/{}/like", self.post);
        if let Some(said) = self.ask(Method::POST, &path, person, way).await
            && let Some(liked) = said["data"]["liked"].as_bool()
        {
            return liked;
        }
        // Whether it was toggled is not known: the post says it.
        let path = format!("/v1/posts/{}", id(self.post));
        self.insist(Method::GET, &path, person, "isLiked", way).await
    }

    async fn set(&self, person: &Person, likes: bool, way: &mut Way) -> bool {
        let method = if likes { Method::PUT } else { Method::DELETE };
        let path = format!("/v1/posts/{}/like", id(self.post));
        self.insist(method, &path, person, "liked", way).await
    }

    /// Asks again until there is an answer.
    async fn insist(
        &self,
        method: Method,
        path: &str,
        person: &Person,
        field: &str,
        way: &mut Way,
    ) -> bool {
        loop {
            if let Some(said) = self.ask(method.clone(), path, person, way).await
                && let Some(liked) = said[field].as_bool()
            {
                return liked;
            }
        }
    }

    /// Asks once; `None` without an answer, and the next request goes to another replica.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        person: &Person,
        way: &mut Way,
    ) -> Option<Value> {
        let index = way.next % way.wires.len();
        let counted = match way.wires[index].ask(method, path, &person.token, None).await {
            Ok(reply) if reply.status.is_success() => return Some(reply.json()),
            Ok(reply) if is_to_wait(reply.status) => &self.counts.asked_to_wait,
            Ok(reply) => {
                drop(crate::report::table::say(&format!("{path}: {}", reply.status)));
                &self.counts.errors
            }
            Err(_) => &self.counts.lost,
        };
        counted.fetch_add(1, Ordering::Relaxed);
        way.next += 1;
        sleep(PAUSE).await;
        None
    }
}

/// A person's connections.
struct Way {
    wires: Vec<Wire>,
    next: usize,
}

fn is_to_wait(status: StatusCode) -> bool {
    [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&status)
}

async fn judge(
    site: &Site,
    target: &Target,
    told: &HashMap<Uuid, bool>,
    seed: u64,
) -> anyhow::Result<Row> {
    let mut conn = site.connect().await?;
    let likes = "SELECT user_id FROM likes WHERE kind = 'post' AND target_id = ?";
    let likes: Vec<Uuid> = sqlx::query_scalar(likes).bind(target.post).fetch_all(&mut conn).await?;
    let likes: HashSet<Uuid> = likes.into_iter().collect();
    let count = "SELECT likes FROM content_counters WHERE kind = 'post' AND target_id = ?";
    let count: Option<u32> =
        sqlx::query_scalar(count).bind(target.post).fetch_optional(&mut conn).await?;
    let count = usize::try_from(count.context("the post has no counter")?)?;
    let told_liked = told.values().filter(|liked| **liked).count();
    let wrong = told.iter().filter(|(user, liked)| likes.contains(*user) != **liked).count();
    let same = site.run_tool(&["check", "counters"]).await?.success();
    let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    let Counts { done, lost, asked_to_wait, errors } = &target.counts;
    let met = wrong == 0 && count == likes.len() && told_liked == count && of(errors) == 0 && same;
    Ok(Row::default()
        .with("what", format!("toggles under kill -9, seed {seed}"))
        .with("toggles", of(done))
        .with("answers_lost", of(lost))
        .with("asked_to_wait", of(asked_to_wait))
        .with("failures", of(errors))
        .with("rows", likes.len())
        .with("count", count)
        .with("told", told_liked)
        .with("wrongly_told", wrong)
        .wanted("rows = count = told, no error", met))
}
