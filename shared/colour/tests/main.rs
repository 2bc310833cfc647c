//! The jobs of this product on a real database: every transition, fairness, events, deliveries, and the plans of the
//! statements.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod fairness;
mod letters;
mod lost;
mod model;
mod notices;
mod personal_colours;
mod photo_deletion;
mod photos;
mod plans;
mod pushes;
mod states;
mod support;
