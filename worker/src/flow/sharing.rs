//! What replicas share: leases in Redis, so that all workers together have no more at the analyzers than these have
//! slots, and a freed slot goes to whoever has been in line longest. Without Redis the analyzers' own gates remain.

use std::time::Duration;

use redis::Script;
use redis::aio::ConnectionManager;
use toneup_shared::config::RedisConfig;
use toneup_shared::pubsub::{client, connection_config};
use uuid::Uuid;

/// How long a lease lasts without renewal: when a worker vanishes, its share is free again after this.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// A job's place in line, and the lease that it becomes.
pub(crate) type Ticket = String;

/// One side of an exchange.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exchange {
    /// Requests that all replicas together may have at the analyzers, as far as this one knows.
    pub(crate) limit: u32,
    /// Whether every analyzer has said what it has.
    pub(crate) known: bool,
    /// Leases and places given back.
    pub(crate) returned: Vec<Ticket>,
    /// Leases in use or kept.
    pub(crate) used: Vec<Ticket>,
    /// Jobs in line, in their order.
    pub(crate) waiting: Vec<Ticket>,
}

/// The other side.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Granted {
    /// Whether jobs of other replicas wait.
    pub(crate) others_wait: bool,
    /// Tickets that became leases.
    pub(crate) leases: Vec<Ticket>,
}

/// The shared truth.
#[derive(Clone)]
pub(crate) struct Sharing {
    redis: ConnectionManager,
    script: Script,
    prefix: String,
    replica: String,
}

impl std::fmt::Debug for Sharing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
            replica: Uuid::new_v4().simple().to_string(),
        })
    }

    /// A place in line that no other job has.
    pub(crate) fn ticket(&self, number: u64) -> Ticket {
        format!("{}/{number}", self.replica)
    }

    /// Where this replica hears of leases it was granted, and that somebody wants one.
    pub(crate) fn channels(&self) -> Vec<String> {
        vec![format!("{}granted:{}", self.prefix, self.replica), format!("{}wanted", self.prefix)]
    }

    /// What a message on these channels says: a lease granted, or `None` if another replica wants one.
    pub(crate) fn heard(&self, payload: &[u8]) -> Heard {
        let text = String::from_utf8_lossy(payload);
        if text == self.replica {
            Heard::Ourselves
        } else if text.starts_with(&format!("{}/", self.replica)) {
            Heard::Granted(text.into_owned())
        } else {
            Heard::Wanted
        }
    }

    /// Exchanges with the shared truth in one round trip.
    pub(crate) async fn exchange(&self, exchange: &Exchange) -> Result<Granted, redis::RedisError> {
        let mut call = self.script.prepare_invoke();
        for key in ["leases", "waiting", "seen", "limit"] {
            call.key(format!("{}{key}", self.prefix));
        }
        call.arg(&self.replica).arg(exchange.limit).arg(u8::from(exchange.known));
        call.arg(u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX));
        call.arg(format!("{}granted:", self.prefix)).arg(format!("{}wanted", self.prefix));
        for tickets in [&exchange.returned, &exchange.used, &exchange.waiting] {
            call.arg(tickets.len());
            for ticket in tickets {
                call.arg(ticket);
            }
        }
        let (others, leases): (u8, Vec<Ticket>) =
            call.invoke_async(&mut self.redis.clone()).await?;
        Ok(Granted { others_wait: others == 1, leases })
    }
}

/// What a message of the shared truth says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A ticket of ours became a lease.
    Granted(Ticket),
    /// A job of another replica waits.
    Wanted,
    /// Our own words.
    Ourselves,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replicas that share one truth of `limit` leases.
    struct Replicas {
        config: RedisConfig,
        limit: u32,
    }

    impl Replicas {
        fn new(limit: u32) -> Self {
            Self { config: toneup_testing::redis(), limit }
        }

        fn replica(&self) -> Sharing {
            Sharing::new(&self.config).unwrap()
        }

        async fn exchange(
            &self,
            replica: &Sharing,
            returned: &[&Ticket],
            used: &[&Ticket],
            waiting: &[&Ticket],
        ) -> Granted {
            let owned = |tickets: &[&Ticket]| tickets.iter().map(|t| (*t).clone()).collect();
            let exchange = Exchange {
                limit: self.limit,
                known: true,
                returned: owned(returned),
                used: owned(used),
                waiting: owned(waiting),
            };
            replica.exchange(&exchange).await.unwrap()
        }
    }

    #[tokio::test]
    async fn all_replicas_together_hold_no_more_leases_than_the_limit() {
        let shared = Replicas::new(2);
        let (one, two) = (shared.replica(), shared.replica());
        let (a, b, c) = (one.ticket(1), one.ticket(2), two.ticket(1));
        let granted = shared.exchange(&one, &[], &[], &[&a, &b]).await;
        assert_eq!(granted.leases, [a.clone(), b.clone()]);
        let refused = shared.exchange(&two, &[], &[], &[&c]).await;
        assert_eq!(refused, Granted { others_wait: false, leases: vec![] });
        let renewed = shared.exchange(&one, &[], &[&a, &b], &[]).await;
        assert!(renewed.others_wait, "the holder learns that another waits");
    }

    #[tokio::test]
    async fn a_freed_lease_goes_to_whoever_is_longest_in_line_of_any_replica() {
        let shared = Replicas::new(1);
        let (one, two) = (shared.replica(), shared.replica());
        let (held, late, early) = (one.ticket(1), one.ticket(2), two.ticket(1));
        shared.exchange(&one, &[], &[], &[&held]).await;
        shared.exchange(&two, &[], &[], &[&early]).await;
        shared.exchange(&one, &[], &[&held], &[&late]).await;
        // Saying it again does not make it wait anew.
        shared.exchange(&two, &[], &[], &[&early]).await;
        let freed = shared.exchange(&one, &[&held], &[], &[&late]).await;
        assert_eq!(freed.leases, Vec::<Ticket>::new(), "the other's job was in line before");
        let found = shared.exchange(&two, &[], &[], &[&early]).await;
        assert_eq!(found, Granted { others_wait: true, leases: vec![early] });
    }

    #[tokio::test]
    async fn those_who_come_into_line_together_keep_their_order() {
        let shared = Replicas::new(1);
        let one = shared.replica();
        let line: Vec<Ticket> = (1..=12).rev().map(|number| one.ticket(number)).collect();
        for at in 0..line.len() {
            let waiting: Vec<&Ticket> = line[at..].iter().collect();
            let held: Vec<&Ticket> = line[..at].iter().rev().take(1).collect();
            let granted = shared.exchange(&one, &held, &[], &waiting).await;
            assert_eq!(granted.leases, [line[at].clone()]);
        }
    }

    #[tokio::test]
    async fn a_job_that_left_the_line_is_granted_nothing() {
        let shared = Replicas::new(1);
        let (one, two) = (shared.replica(), shared.replica());
        let (held, left, next) = (one.ticket(1), two.ticket(1), two.ticket(2));
        shared.exchange(&one, &[], &[], &[&held]).await;
        shared.exchange(&two, &[], &[], &[&left, &next]).await;
        shared.exchange(&two, &[&left], &[], &[&next]).await;
        shared.exchange(&one, &[&held], &[], &[]).await;
        let granted = shared.exchange(&two, &[], &[], &[&next]).await;
        assert_eq!(granted.leases, [next]);
    }

    #[tokio::test]
    async fn what_is_heard_is_told_apart() {
        let sharing = Replicas::new(1).replica();
        let ticket = sharing.ticket(7);
        assert_eq!(sharing.heard(ticket.as_bytes()), Heard::Granted(ticket));
        assert_eq!(sharing.heard(sharing.replica.as_bytes()), Heard::Ourselves);
        assert_eq!(sharing.heard(b"another"), Heard::Wanted);
    }
}
