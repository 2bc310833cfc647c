//! The kinds of jobs of this product.

use toneup_colour::config::ColourConfig;
use toneup_colour::kinds::{NAMESPACE, colour_kinds};
use toneup_jobs::kind::Kinds;

use crate::{deletion, pictures};

/// All kinds of jobs: analyses and what follows from them, pictures, and the deletion of people.
pub fn kinds(config: &ColourConfig) -> Kinds {
    let own = [deletion::kind(), pictures::kind(), pictures::deletion_kind()];
    Kinds::new(NAMESPACE, colour_kinds(config).into_iter().chain(own))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::{Value, json};
    use toneup_jobs::broker::topology;
    use toneup_platform::config::Settings;

    use super::*;

    #[test]
    fn the_definitions_the_broker_loads_are_the_topology_the_services_declare() {
        let config: ColourConfig = Settings::from_vars(HashMap::new()).section().unwrap();
        let kinds = kinds(&config);
        let definitions = include_str!("../../../rabbitmq/definitions.json");
        let definitions: Value = serde_json::from_str(definitions).unwrap();
        let exchange = topology::exchange(&kinds);
        assert_eq!(definitions["exchanges"][0]["name"], exchange);
        let queues = topology::queues(&kinds);
        let (declared, bindings) = (&definitions["queues"], &definitions["bindings"]);
        assert_eq!(declared.as_array().map(Vec::len), Some(queues.len()));
        for (index, (queue, routing_key)) in queues.iter().enumerate() {
            assert_eq!(declared[index]["name"], *queue);
            assert_eq!(declared[index]["durable"], true);
            assert_eq!(declared[index]["arguments"], json!({ "x-queue-type": "quorum" }));
            assert_eq!(bindings[index]["source"], exchange);
            assert_eq!(bindings[index]["destination"], *queue);
            assert_eq!(bindings[index]["routing_key"], *routing_key);
        }
        let policy = &definitions["policies"][0];
        assert_eq!(policy["pattern"], r"^toneup\.[a-z_]+\.jobs$");
        let policy = &policy["definition"];
        assert_eq!(policy["dead-letter-exchange"], exchange);
        assert_eq!(policy["dead-letter-routing-key"], topology::DEAD_KEY);
        assert_eq!(policy["dead-letter-strategy"], "at-least-once");
        assert_eq!(policy["overflow"], "reject-publish");
    }

    #[test]
    fn names_of_kinds_fit_the_policy_of_their_queues() {
        let config: ColourConfig = Settings::from_vars(HashMap::new()).section().unwrap();
        for name in kinds(&config).names() {
            assert!(name.len() <= 30 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        }
    }
}
