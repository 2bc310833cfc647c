//! The composition root: puts the features together into one application.

pub mod config;
mod health;
mod router;
mod state;
mod warm_up;

pub use self::config::ApiConfig;
pub use self::router::{app, serve};
pub use self::state::AppState;
