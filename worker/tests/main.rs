//! The worker against a real broker and database, with an analyzer that does as it is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod cancel;
mod crashes;
mod jobs;
mod lost;
mod outages;
mod photo_deletion;
mod photos;
mod trust;
