//! The HTTP API: accepts analyses, reports their outcome, and serves the web page.

pub mod app;
pub mod features;
pub mod http;
