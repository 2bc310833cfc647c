//! Erasing what is kept of one user, a bounded number of rows at a time.

use std::fmt;

use futures_util::future::BoxFuture;
use sqlx::MySqlConnection;

use crate::identity::UserId;

/// The number of rows that one call erased.
type Erased<'c> = BoxFuture<'c, Result<u64, sqlx::Error>>;
type Erase = dyn for<'c> Fn(&'c mut MySqlConnection, UserId, u32) -> Erased<'c> + Send + Sync;

/// Erases the rows of tables that are about a user.
pub struct Erasure {
    tables: &'static [&'static str],
    erase: Box<Erase>,
}

impl Erasure {
    /// Declares what erases a user's rows in `tables`. `erase` is given the largest number of rows for one call, runs in a
    /// transaction of its own, and returns how many it erased: 0 when none are left.
    pub fn new(
        tables: &'static [&'static str],
        erase: impl for<'c> Fn(&'c mut MySqlConnection, UserId, u32) -> Erased<'c>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { tables, erase: Box::new(erase) }
    }

    /// The tables whose rows it erases.
    pub fn tables(&self) -> &'static [&'static str] {
        self.tables
    }

    /// Erases about `most` rows of a user; returns how many, 0 when none are left.
    pub async fn erase(
        &self,
        conn: &mut MySqlConnection,
        user: UserId,
        most: u32,
    ) -> Result<u64, sqlx::Error> {
        (self.erase)(conn, user, most).await
    }
}

impl fmt::Debug for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erasure").field("tables", &self.tables).finish_non_exhaustive()
    }
}
