//! The features, one folder each: routes, SQL, error codes, settings, retention rules.

pub mod accounts;
pub mod admin;
pub mod analyses;
pub(crate) mod legacy_app;
pub mod notifications;
pub mod uploads;
pub mod web;
