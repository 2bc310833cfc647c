//! The composition root: puts the features together into one application.

mod config;
mod features;
mod health;
mod hint_listener;
mod maintenance;
mod platform;
mod router;
mod state;
mod warm_up;

pub use self::config::{ApiConfig, ServerConfig};
pub use self::features::{metrics, problems, purges};
pub use self::maintenance::purge;
pub use self::router::{app, serve, serve_sockets};
pub use self::state::AppState;
