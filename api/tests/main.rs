//! The api over real HTTP, against real services.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod admin;
mod analyses;
mod browser;
mod docs;
mod edge;
mod errors;
mod events;
mod legacy_app;
mod logs;
mod metrics;
mod operations;
mod outages;
mod pipeline;
mod requests;
mod sessions;
mod steering;
mod subscriptions;
mod traces;
mod uploads;
mod webhooks;
