//! The api over real HTTP, against real services.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod analyses;
mod app_doors;
mod browser;
mod docs;
mod errors;
mod events;
mod operations;
mod outages;
mod pipeline;
mod sessions;
mod steering;
mod subscriptions;
mod uploads;
mod webhooks;
