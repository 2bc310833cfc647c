//! Operations: the actions of operators, implemented once for the dashboard and the command line, and their audit log.

pub mod actions;
pub mod audit_log;
pub mod intake;
pub mod migrations;
pub mod replicas;
pub mod revocations;
pub mod token;
