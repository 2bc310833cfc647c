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
pub type Ticket = String;

/// An instance as all replicas call it.
pub type Name = String;

/// The right of a ticket's replica to have one request at one instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    /// The ticket that it was granted to.
    pub ticket: Ticket,
    /// Where it is good.
    pub instance: Name,
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
pub struct Offer {
    /// Which.
    pub instance: Name,
    /// Requests that all replicas together may have there.
    pub places: u32,
}

/// One side of an exchange.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// What this replica can use, and whether it has not said so before: old news do not stand against another's.
    pub offers: Vec<(Offer, bool)>,
    /// Leases and places in line given back.
    pub returned: Vec<Ticket>,
    /// Leases in use or kept.
    pub used: Vec<Lease>,
    /// Jobs in line, in their order.
    pub waiting: Vec<Ticket>,
}

/// The other side.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// Whether jobs of other replicas wait.
    pub others_wait: bool,
    /// What tickets became.
    pub leases: Vec<Lease>,
}

/// The shared truth.
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
    /// Prepares the connection; it is made at first use.
    pub fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
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
    pub fn ticket(&self, number: u64) -> Ticket {
        format!("{}/{number}", self.replica)
    }

    /// Where this replica hears of leases it was granted, and that somebody wants one.
    pub(crate) fn channels(&self) -> Vec<String> {
        vec![format!("{}granted:{}", self.prefix, self.replica), format!("{}wanted", self.prefix)]
    }

    /// What a message on these channels says.
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

    /// Exchanges with the shared truth in one round trip.
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

/// What a message of the shared truth says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// A ticket of ours became a lease.
    Granted(Lease),
    /// A job of another replica waits.
    Wanted,
    /// Our own words.
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
