//! What replicas share: leases in Redis, so that all workers together have no more at any instance than it has slots, and
//! a freed slot goes to whoever has been in line longest. Without Redis the analyzers' own gates remain.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{AsyncCommands, Script};
use toneup_colour::capacity::models_key;
use toneup_colour::result::Model;
use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{client, connection_config};
use uuid::Uuid;

/// How long a lease lasts without renewal: when a worker vanishes, its share is free again after this.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// A job's place in line.
pub(crate) type Ticket = String;

/// An instance as all replicas call it.
pub(crate) type Name = String;

/// The right of a ticket's replica to have one request at one instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lease {
    /// The ticket that it was granted to.
    pub(crate) ticket: Ticket,
    /// Where it is good.
    pub(crate) instance: Name,
}

impl Lease {
    /// Reads what [`Display`](fmt::Display) writes.
    fn read(text: &str) -> Option<Self> {
        let (ticket, instance) = text.split_once(' ')?;
        Some(Self { ticket: ticket.to_owned(), instance: instance.to_owned() })
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ticket, self.instance)
    }
}

/// An instance that a replica can use now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Which.
    pub(crate) instance: Name,
    /// Requests that all replicas together may have there.
    pub(crate) places: u32,
}

/// One side of an exchange.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exchange {
    /// What this replica can use, and whether it has not said so before: old news do not stand against another's.
    pub(crate) offers: Vec<(Offer, bool)>,
    /// Leases and places in line given back.
    pub(crate) returned: Vec<Ticket>,
    /// Leases in use or kept.
    pub(crate) used: Vec<Lease>,
    /// Jobs in line, in their order.
    pub(crate) waiting: Vec<Ticket>,
}

/// The other side.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Granted {
    /// Whether jobs of other replicas wait.
    pub(crate) others_wait: bool,
    /// What tickets became.
    pub(crate) leases: Vec<Lease>,
}

/// The shared truth.
#[derive(Clone)]
pub(crate) struct Sharing {
    redis: ConnectionManager,
    script: Script,
    prefix: String,
    models_key: String,
    replica: String,
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharing").field("replica", &self.replica).finish_non_exhaustive()
    }
}

impl Sharing {
    /// Prepares the connection; it is made at first use.
    pub(crate) fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
        Ok(Self {
            redis: client(config)?.get_connection_manager_lazy(connection_config())?,
            script: Script::new(include_str!("sharing.lua")),
            prefix: format!("{}flow:", config.redis_prefix),
            models_key: models_key(config),
            replica: Uuid::new_v4().simple().to_string(),
        })
    }

    /// Tells the apis which models the analyzers answer with; forgotten after `ttl`.
    pub(crate) async fn tell_models(
        &self,
        models: &BTreeSet<Model>,
        ttl: Duration,
    ) -> Result<(), redis::RedisError> {
        if models.is_empty() {
            return Ok(());
        }
        let text = serde_json::to_string(models).unwrap_or_default();
        self.redis.clone().set_ex(&self.models_key, text, ttl.as_secs()).await
    }

    /// A place in line that no other job has.
    pub(crate) fn ticket(&self, number: u64) -> Ticket {
        format!("{}/{number}", self.replica)
    }

    /// Where this replica hears of leases it was granted, and that somebody wants one.
    pub(crate) fn channels(&self) -> Vec<String> {
        vec![format!("{}granted:{}", self.prefix, self.replica), format!("{}wanted", self.prefix)]
    }

    /// What a message on these channels says.
    pub(crate) fn heard(&self, payload: &[u8]) -> Heard {
        let text = String::from_utf8_lossy(payload);
        if text == self.replica {
            return Heard::Ourselves;
        }
        match Lease::read(&text).filter(|_| text.starts_with(&format!("{}/", self.replica))) {
            Some(lease) => Heard::Granted(lease),
            None => Heard::Wanted,
        }
    }

    /// Every lease that Redis knows of.
    #[cfg(test)]
    pub(crate) async fn leases(&self) -> BTreeSet<Lease> {
        let key = format!("{}leases", self.prefix);
        let known: Vec<String> = self.redis.clone().zrange(key, 0, -1).await.expect("leases");
        known.iter().filter_map(|text| Lease::read(text)).collect()
    }

    /// Exchanges with the shared truth in one round trip.
    pub(crate) async fn exchange(&self, exchange: &Exchange) -> Result<Granted, redis::RedisError> {
        let mut call = self.script.prepare_invoke();
        for key in ["leases", "waiting", "seen", "limit", "places", "offers"] {
            call.key(format!("{}{key}", self.prefix));
        }
        call.arg(&self.replica).arg(u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX));
        call.arg(format!("{}granted:", self.prefix)).arg(format!("{}wanted", self.prefix));
        call.arg(3 * exchange.offers.len());
        for (Offer { instance, places }, news) in &exchange.offers {
            call.arg(instance).arg(places).arg(u8::from(*news));
        }
        call.arg(exchange.returned.len()).arg(&exchange.returned);
        call.arg(exchange.used.len());
        for lease in &exchange.used {
            call.arg(lease.to_string());
        }
        call.arg(exchange.waiting.len()).arg(&exchange.waiting);
        let (others, leases): (u8, Vec<String>) =
            call.invoke_async(&mut self.redis.clone()).await?;
        let leases = leases.iter().filter_map(|text| Lease::read(text)).collect();
        Ok(Granted { others_wait: others == 1, leases })
    }
}

/// What a message of the shared truth says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A ticket of ours became a lease.
    Granted(Lease),
    /// A job of another replica waits.
    Wanted,
    /// Our own words.
    Ourselves,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replicas that share one truth.
    struct Replicas(RedisConfig);

    /// What a replica says; of what it can use, everything is news.
    #[derive(Default)]
    struct Says<'a> {
        can_use: &'a [(&'a str, u32)],
        returned: &'a [&'a Ticket],
        used: &'a [&'a Lease],
        waiting: &'a [&'a Ticket],
    }

    impl Replicas {
        fn new() -> Self {
            Self(toneup_testing::redis())
        }

        fn replica(&self) -> Sharing {
            Sharing::new(&self.0).unwrap()
        }
    }

    impl Sharing {
        async fn says(&self, says: Says<'_>) -> Granted {
            let owned = |tickets: &[&Ticket]| tickets.iter().map(|t| (*t).clone()).collect();
            let offer = |(name, places): &(&str, u32)| Offer {
                instance: (*name).to_owned(),
                places: *places,
            };
            let exchange = Exchange {
                offers: says.can_use.iter().map(|said| (offer(said), true)).collect(),
                returned: owned(says.returned),
                used: says.used.iter().map(|lease| (*lease).clone()).collect(),
                waiting: owned(says.waiting),
            };
            self.exchange(&exchange).await.unwrap()
        }
    }

    fn lease(ticket: &Ticket, instance: &str) -> Lease {
        Lease { ticket: ticket.clone(), instance: instance.to_owned() }
    }

    const ONE: &[(&str, u32)] = &[("a", 1)];

    #[tokio::test]
    async fn all_replicas_together_hold_no_more_leases_than_an_instance_has_places() {
        let shared = Replicas::new();
        let (one, two) = (shared.replica(), shared.replica());
        let (a, b, c) = (one.ticket(1), one.ticket(2), two.ticket(1));
        let can_use = &[("a", 2)];
        let granted = one.says(Says { can_use, waiting: &[&a, &b], ..Says::default() }).await;
        assert_eq!(granted.leases, [lease(&a, "a"), lease(&b, "a")]);
        let refused = two.says(Says { can_use, waiting: &[&c], ..Says::default() }).await;
        assert_eq!(refused, Granted { others_wait: false, leases: vec![] });
        let used = &[&granted.leases[0], &granted.leases[1]];
        let renewed = one.says(Says { can_use, used, ..Says::default() }).await;
        assert!(renewed.others_wait, "the holder learns that another waits");
    }

    #[tokio::test]
    async fn a_freed_lease_goes_to_whoever_is_longest_in_line_of_any_replica() {
        let shared = Replicas::new();
        let (one, two) = (shared.replica(), shared.replica());
        let (held, late, early) = (one.ticket(1), one.ticket(2), two.ticket(1));
        let first = Says { can_use: ONE, waiting: &[&held], ..Says::default() };
        let holding = one.says(first).await.leases.remove(0);
        let line = [&early];
        let says = || Says { can_use: ONE, waiting: &line, ..Says::default() };
        two.says(says()).await;
        let keeps = Says { can_use: ONE, used: &[&holding], waiting: &[&late], ..Says::default() };
        one.says(keeps).await;
        // Saying it again does not make it wait anew.
        two.says(says()).await;
        let gives = Says { can_use: ONE, returned: &[&held], waiting: &[&late], ..Says::default() };
        let freed = one.says(gives).await;
        assert_eq!(freed.leases, Vec::<Lease>::new(), "the other's job was in line before");
        let found = two.says(says()).await;
        assert_eq!(found, Granted { others_wait: true, leases: vec![lease(&early, "a")] });
    }

    #[tokio::test]
    async fn those_who_come_into_line_together_keep_their_order() {
        let one = Replicas::new().replica();
        let line: Vec<Ticket> = (1..=12).rev().map(|number| one.ticket(number)).collect();
        for at in 0..line.len() {
            let waiting: Vec<&Ticket> = line[at..].iter().collect();
            let returned: Vec<&Ticket> = line[..at].iter().collect();
            let says = Says { can_use: ONE, returned: &returned, waiting: &waiting, used: &[] };
            assert_eq!(one.says(says).await.leases, [lease(&line[at], "a")]);
        }
    }

    #[tokio::test]
    async fn each_next_lease_is_good_where_most_is_free() {
        let one = Replicas::new().replica();
        let line: Vec<Ticket> = (1..=5).map(|number| one.ticket(number)).collect();
        let waiting: Vec<&Ticket> = line.iter().collect();
        let can_use = &[("a", 1), ("b", 3)];
        let granted = one.says(Says { can_use, waiting: &waiting, ..Says::default() }).await;
        let mut at: Vec<&str> = granted.leases.iter().map(|l| l.instance.as_str()).collect();
        at.sort_unstable();
        assert_eq!(at, ["a", "b", "b", "b"]);
        let returned = &[&line[0]];
        let waiting = &[&line[4]];
        let freed = one.says(Says { can_use, returned, waiting, ..Says::default() }).await;
        assert_eq!(freed.leases, [lease(&line[4], &granted.leases[0].instance)]);
    }

    #[tokio::test]
    async fn what_the_first_in_line_cannot_use_goes_to_the_next_who_can() {
        let shared = Replicas::new();
        let (one, two) = (shared.replica(), shared.replica());
        let (first, second) = (one.ticket(1), two.ticket(1));
        let away = Says { can_use: &[], waiting: &[&first], ..Says::default() };
        assert_eq!(one.says(away).await.leases, []);
        let can = Says { can_use: ONE, waiting: &[&second], ..Says::default() };
        let granted = two.says(can).await;
        assert_eq!(granted, Granted { others_wait: true, leases: vec![lease(&second, "a")] });
    }

    #[tokio::test]
    async fn old_news_do_not_stand_against_another_replicas() {
        let shared = Replicas::new();
        let (one, two) = (shared.replica(), shared.replica());
        one.says(Says { can_use: &[("a", 1)], ..Says::default() }).await;
        let offer = Offer { instance: "a".to_owned(), places: 8 };
        let waiting = vec![two.ticket(1), two.ticket(2)];
        let (returned, used) = (vec![], vec![]);
        let old = Exchange { offers: vec![(offer, false)], returned, used, waiting };
        assert_eq!(two.exchange(&old).await.unwrap().leases.len(), 1);
    }

    #[tokio::test]
    async fn a_job_that_left_the_line_is_granted_nothing() {
        let shared = Replicas::new();
        let (one, two) = (shared.replica(), shared.replica());
        let (held, left, next) = (one.ticket(1), two.ticket(1), two.ticket(2));
        one.says(Says { can_use: ONE, waiting: &[&held], ..Says::default() }).await;
        two.says(Says { can_use: ONE, waiting: &[&left, &next], ..Says::default() }).await;
        let leaves = Says { can_use: ONE, returned: &[&left], waiting: &[&next], used: &[] };
        two.says(leaves).await;
        one.says(Says { can_use: ONE, returned: &[&held], ..Says::default() }).await;
        let granted = two.says(Says { can_use: ONE, waiting: &[&next], ..Says::default() }).await;
        assert_eq!(granted.leases, [lease(&next, "a")]);
    }

    #[tokio::test]
    async fn the_places_of_all_instances_together_are_told_to_whoever_plans() {
        let shared = Replicas::new();
        shared.replica().says(Says { can_use: &[("a", 2)], ..Says::default() }).await;
        shared.replica().says(Says { can_use: &[("a", 2), ("b", 3)], ..Says::default() }).await;
        let key = toneup_colour::capacity::capacity_key(&shared.0);
        let mut redis = shared.replica().redis;
        let told: u32 = redis::AsyncCommands::get(&mut redis, key).await.unwrap();
        assert_eq!(told, 5);
    }

    #[tokio::test]
    async fn what_is_heard_is_told_apart() {
        let sharing = Replicas::new().replica();
        let lease = lease(&sharing.ticket(7), "10.0.0.1:80");
        assert_eq!(sharing.heard(lease.to_string().as_bytes()), Heard::Granted(lease));
        assert_eq!(sharing.heard(sharing.replica.as_bytes()), Heard::Ourselves);
        assert_eq!(sharing.heard(b"another"), Heard::Wanted);
    }
}
