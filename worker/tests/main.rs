//! The worker against a real broker, database and Redis, with a scripted analyzer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod cancel;
mod crashes;
mod flow_leases;
mod flow_replicas;
mod flow_simulation;
mod jobs;
mod lost;
mod outages;
mod photo_deletion;
mod photos;
mod together;
mod trust;
