//! The exchange and queues. `rabbitmq/definitions.json` holds the same and the policies; a test keeps the two equal.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

/// The direct exchange everything is published to.
pub const EXCHANGE: &str = "toneup.analysis";

/// A quorum queue and the routing key that leads to it.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    /// Its name.
    pub name: &'static str,
    /// Its routing key on [`EXCHANGE`].
    pub routing_key: &'static str,
}

/// Analyses that wait for a worker.
pub const JOBS: Queue = Queue { name: "toneup.analysis.jobs", routing_key: "jobs" };

/// Messages that the broker gave up on.
pub const DEAD: Queue = Queue { name: "toneup.analysis.dead", routing_key: "dead" };

/// Messages that are ready in each queue.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// In [`JOBS`].
    pub jobs: u32,
    /// In [`DEAD`].
    pub dead: u32,
}

/// Declares all of it: a no-op where it exists. Only the queue's type is an argument, because an argument can never be
/// changed on a living queue; everything else is a policy.
pub async fn declare(channel: &Channel) -> Result<Ready, lapin::Error> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare(EXCHANGE.into(), ExchangeKind::Direct, durable, FieldTable::default())
        .await?;
    let mut ready = [0; 2];
    for (queue, ready) in [JOBS, DEAD].into_iter().zip(&mut ready) {
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        *ready =
            channel.queue_declare(queue.name.into(), durable, arguments).await?.message_count();
        channel
            .queue_bind(
                queue.name.into(),
                EXCHANGE.into(),
                queue.routing_key.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
    }
    let [jobs, dead] = ready;
    Ok(Ready { jobs, dead })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_definitions_the_broker_loads_are_the_topology_the_services_declare() {
        let definitions: Value =
            serde_json::from_str(include_str!("../../../rabbitmq/definitions.json")).unwrap();
        let names = |kind: &str| -> Vec<String> {
            let items = definitions[kind].as_array().unwrap().iter();
            items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("exchanges"), [EXCHANGE]);
        assert_eq!(names("queues"), [JOBS.name, DEAD.name]);
        for queue in definitions["queues"].as_array().unwrap() {
            assert_eq!(queue["durable"], true);
            assert_eq!(queue["arguments"], serde_json::json!({ "x-queue-type": "quorum" }));
        }
        for (queue, binding) in [JOBS, DEAD].iter().zip(definitions["bindings"].as_array().unwrap())
        {
            assert_eq!(binding["source"], EXCHANGE);
            assert_eq!(binding["destination"], queue.name);
            assert_eq!(binding["routing_key"], queue.routing_key);
        }
        let policy = &definitions["policies"][0]["definition"];
        assert_eq!(policy["dead-letter-exchange"], EXCHANGE);
        assert_eq!(policy["dead-letter-routing-key"], DEAD.routing_key);
        assert_eq!(policy["dead-letter-strategy"], "at-least-once");
        assert_eq!(policy["overflow"], "reject-publish");
    }
}
