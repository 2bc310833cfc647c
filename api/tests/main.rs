//! The api over real HTTP, against real services.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod admin;
mod analyses;
mod browser;
mod catalogue;
mod chat;
mod docs;
mod double;
mod edge;
mod errors;
mod events;
mod foreign_ids;
mod legacy_app;
mod logs;
mod metrics;
mod notices;
mod operations;
mod outages;
mod people;
mod personal_data;
mod pictures;
mod pipeline;
mod posts;
mod proxies;
mod requests;
mod sessions;
mod sign_in;
mod steering;
mod subscriptions;
mod together;
mod traces;
mod uploads;
mod webhooks;
