//! The HTTP API: accepts analyses, tells what became of them, and serves the page.

pub mod accounts;
pub mod admin;
pub mod analyses;
pub mod config;
pub mod http;
pub mod uploads;
pub mod web;
