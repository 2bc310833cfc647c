//! The built binary, as a script or a person runs it.
#![expect(clippy::unwrap_used, reason = "a helper that fails must fail the test")]

mod catalogue;
mod client;
mod operator;
mod steering;
mod support;
