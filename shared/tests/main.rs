//! The job's SQL on a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod fairness;
mod letters;
mod lost;
mod model;
mod photos;
mod plans;
mod pool;
mod pushes;
mod states;
mod support;
mod transactions;
