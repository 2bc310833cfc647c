//! Rows that a feature deletes once they have expired.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use sqlx::MySqlConnection;

/// The number of rows that one statement deleted.
type Deletion<'c> = Pin<Box<dyn Future<Output = Result<u64, sqlx::Error>> + Send + 'c>>;
type Delete = dyn for<'c> Fn(&'c mut MySqlConnection, u32) -> Deletion<'c> + Send + Sync;

/// A retention rule: deletes the expired rows of one table, a bounded number at a time.
pub struct Purge {
    table: &'static str,
    delete: Box<Delete>,
}

impl Purge {
    /// Declares the rule. `delete` removes at most the given number of rows and returns how many it removed.
    pub fn new(
        table: &'static str,
        delete: impl for<'c> Fn(&'c mut MySqlConnection, u32) -> Deletion<'c> + Send + Sync + 'static,
    ) -> Self {
        Self { table, delete: Box::new(delete) }
    }

    /// The table that the rule is about.
    pub fn table(&self) -> &'static str {
        self.table
    }

    /// Deletes at most `most` expired rows; returns the number deleted.
    pub async fn delete(&self, conn: &mut MySqlConnection, most: u32) -> Result<u64, sqlx::Error> {
        (self.delete)(conn, most).await
    }
}

impl fmt::Debug for Purge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purge").field("table", &self.table).finish_non_exhaustive()
    }
}
