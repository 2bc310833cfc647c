//! The queue: RabbitMQ carries references to analyses and may lose or repeat them; the database is the truth.

mod audit;
pub mod connection;
pub mod message;
pub mod publisher;
pub mod sweep;
pub mod topology;
