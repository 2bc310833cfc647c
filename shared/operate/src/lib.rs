//! Operating: the actions of operators, once for the dashboard and the command line, and the audit log of them.

pub mod actions;
pub mod audit_log;
pub mod intake;
pub mod migrations;
pub mod replicas;
pub mod token;
