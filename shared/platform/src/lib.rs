//! Foundation of every program: configuration, connections to database, broker, Redis and object store, telemetry,
//! shutdown, batching and retries. Independent of the product.

pub mod batch;
pub mod broker;
pub mod config;
pub mod crash;
pub mod database;
pub mod erasure;
pub mod identity;
pub mod leader;
pub mod metrics;
pub mod objects;
pub mod origins;
pub mod probes;
pub mod redis;
pub mod reseal;
pub mod retry;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod trace;
pub mod vault;
