//! Analyzer leases that replicas share through Redis, so that all workers together have no more requests at an instance
//! than it has places, and a freed place goes to the job that has waited longest. Without Redis only the analyzers' own
//! limits apply.

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

/// Lifetime of a lease without renewal: the leases of a crashed worker are free again after this time.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// Identifier of a waiting job in the shared queue: `replica/number`.
pub type Ticket = String;

/// Name of an instance, the same in all replicas.
pub type Name = String;

/// Permission of a ticket's replica to have one request at one instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    /// Ticket that the lease was granted to.
    pub ticket: Ticket,
    /// Instance that the lease is valid for.
    pub instance: Name,
}

impl Lease {
    /// Parses the format of [`Display`](fmt::Display).
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

/// Capacity of an instance that a replica can use now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Name of the instance.
    pub instance: Name,
    /// Limit of the concurrent requests of all replicas together.
    pub places: u32,
}

/// State that a replica sends to Redis.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Instances that this replica can use; `true` marks an offer that has changed since the last exchange, which
    /// replaces the other replicas' offers.
    pub offers: Vec<(Offer, bool)>,
    /// Tickets whose lease or place in the queue is given back.
    pub returned: Vec<Ticket>,
    /// Leases in use or kept for the next job; they are renewed.
    pub used: Vec<Lease>,
    /// Waiting jobs, in order.
    pub waiting: Vec<Ticket>,
}

/// Reply to an [`Exchange`].
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// True if jobs of other replicas wait for a lease.
    pub others_wait: bool,
    /// Leases granted to tickets of this replica.
    pub leases: Vec<Lease>,
}

/// Client of the leases and the queue in Redis, for one replica.
#[derive(Clone)]
pub struct Sharing {
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
    /// Creates the client; it connects at first use. Fails if the URL is invalid.
    pub fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
        Ok(Self {
            redis: client(config)?.get_connection_manager_lazy(connection_config())?,
            script: Script::new(include_str!("sharing.lua")),
            prefix: format!("{}flow:", config.redis_prefix),
            models_key: models_key(config),
            replica: Uuid::new_v4().simple().to_string(),
        })
    }

    /// Publishes the analyzers' models to the api replicas; they expire after `ttl`.
    pub(crate) async fn publish_models(
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

    /// Ticket of this replica's job `number`, unique among all replicas.
    pub fn ticket(&self, number: u64) -> Ticket {
        format!("{}/{number}", self.replica)
    }

    /// Channels on which Redis announces leases granted to this replica, and that a replica wants one.
    pub(crate) fn channels(&self) -> Vec<String> {
        vec![format!("{}granted:{}", self.prefix, self.replica), format!("{}wanted", self.prefix)]
    }

    /// Parses a message received on these channels.
    pub(crate) fn parse(&self, payload: &[u8]) -> Message {
        let text = String::from_utf8_lossy(payload);
        if text == self.replica {
            return Message::FromUs;
        }
        match Lease::read(&text).filter(|_| text.starts_with(&format!("{}/", self.replica))) {
            Some(lease) => Message::Granted(lease),
            None => Message::Wanted,
        }
    }

    /// Reads every lease stored in Redis, of all replicas, expired ones included.
    pub async fn leases(&self) -> Result<BTreeSet<Lease>, redis::RedisError> {
        let key = format!("{}leases", self.prefix);
        let known: Vec<String> = self.redis.clone().zrange(key, 0, -1).await?;
        Ok(known.iter().filter_map(|text| Lease::read(text)).collect())
    }

    /// Sends this replica's state and receives its new leases, atomically and in one round trip.
    pub async fn exchange(&self, exchange: &Exchange) -> Result<Granted, redis::RedisError> {
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

/// Message received from Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// A ticket of this replica was granted a lease.
    Granted(Lease),
    /// A job of another replica waits for a lease.
    Wanted,
    /// This replica's own announcement.
    FromUs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_told_apart_by_their_addressee() {
        let sharing = Sharing::new(&toneup_testing::redis()).unwrap();
        let lease = Lease { ticket: sharing.ticket(7), instance: "10.0.0.1:80".to_owned() };
        assert_eq!(sharing.parse(lease.to_string().as_bytes()), Message::Granted(lease));
        assert_eq!(sharing.parse(sharing.replica.as_bytes()), Message::FromUs);
        assert_eq!(sharing.parse(b"another"), Message::Wanted);
    }
}
