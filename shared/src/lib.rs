//! What more than one process of `ToneUp` needs: the job and its SQL, the queue, the object store, configuration.

pub mod analyses;
pub mod batch;
pub mod config;
pub mod controls;
pub mod crash;
pub mod database;
pub mod exporter;
pub mod hints;
pub mod objects;
pub mod operations;
pub mod operators;
pub mod pubsub;
pub mod pushes;
pub mod queue;
pub mod replicas;
pub mod retry;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod trace;
