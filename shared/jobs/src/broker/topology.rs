//! Topology: the exchange and the queues. `rabbitmq/definitions.json` declares the same and the policies; a test keeps
//! the two equal.

use std::collections::BTreeMap;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use crate::kind::Kinds;

/// Routing key of dead letters.
pub const DEAD_KEY: &str = "dead";

/// Name of the direct exchange that all messages are published to.
pub fn exchange(kinds: &Kinds) -> String {
    kinds.namespace().to_owned()
}

/// Name of the queue of a kind. Its routing key is the kind's name.
pub fn jobs_queue(kinds: &Kinds, kind: &str) -> String {
    format!("{}.{kind}.jobs", kinds.namespace())
}

/// Name of the dead-letter queue, shared by all kinds.
pub fn dead_queue(kinds: &Kinds) -> String {
    format!("{}.{DEAD_KEY}", kinds.namespace())
}

/// Names of all queues, with their routing keys.
pub fn queues(kinds: &Kinds) -> Vec<(String, &'static str)> {
    let jobs = kinds.names().map(|name| (jobs_queue(kinds, name), name));
    jobs.chain([(dead_queue(kinds), DEAD_KEY)]).collect()
}

/// Declares the exchange and the queues: a no-op where they exist. Returns the number of ready messages by routing key.
///
/// Only the queue's type is an argument, because an argument can never be changed on a living queue; everything else is
/// a policy.
pub async fn declare(
    channel: &Channel,
    kinds: &Kinds,
) -> Result<BTreeMap<&'static str, u32>, lapin::Error> {
    let exchange = exchange(kinds);
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare(
            exchange.as_str().into(),
            ExchangeKind::Direct,
            durable,
            FieldTable::default(),
        )
        .await?;
    let mut ready = BTreeMap::new();
    for (queue, routing_key) in queues(kinds) {
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let declared = channel.queue_declare(queue.as_str().into(), durable, arguments).await?;
        ready.insert(routing_key, declared.message_count());
        channel
            .queue_bind(
                queue.as_str().into(),
                exchange.as_str().into(),
                routing_key.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
    }
    Ok(ready)
}
