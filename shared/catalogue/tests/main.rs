//! The catalogue against a real database and real files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod embeddings;
mod follow;
mod import;
mod plans;
mod recommend;
mod search;
mod suggest;
mod support;
