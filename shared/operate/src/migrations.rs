//! Database migrations of `migrations/`, embedded so that a program can always bring a database to the schema it needs.

/// Applies the migrations in order.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");
