//! Jobs in RabbitMQ: one exchange, a queue for each kind, and one for dead letters.

pub(crate) mod audit;
pub mod message;
pub mod publisher;
pub mod topology;
