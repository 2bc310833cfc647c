//! The HTTP API: accepts analyses, tells what became of them, and serves the page.

pub mod accounts;
pub mod admin;
pub mod analyses;
mod app_doors;
pub mod config;
pub mod http;
pub mod push;
pub mod uploads;
pub mod web;
