//! Export of the data that a feature stores about a user, for data portability.

use std::fmt;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;

type Reading<'c> = BoxFuture<'c, Result<ExportPage, sqlx::Error>>;
type Read =
    dyn for<'c> Fn(&'c mut MySqlConnection, UserId, Option<String>) -> Reading<'c> + Send + Sync;

/// One list of an export, read page by page.
pub(crate) struct Export {
    name: &'static str,
    read: Box<Read>,
}

/// A page of a list.
#[derive(Debug, Default)]
pub(crate) struct ExportPage {
    /// Entries of the page.
    pub(crate) items: Vec<Value>,
    /// Cursor of the next page; `None` on the last.
    pub(crate) next: Option<String>,
}

impl ExportPage {
    /// A page of what can be written as JSON; `next` as above.
    pub(crate) fn of<T: Serialize>(
        items: impl IntoIterator<Item = T>,
        next: Option<String>,
    ) -> Result<Self, sqlx::Error> {
        let values: Result<Vec<Value>, _> = items.into_iter().map(serde_json::to_value).collect();
        let items = values.map_err(|error| sqlx::Error::Encode(error.into()))?;
        Ok(Self { items, next })
    }
}

impl Export {
    /// Declares a list. `read` is given the place at which a page begins, `None` for the first, and bounds the page itself.
    pub(crate) fn new(
        name: &'static str,
        read: impl for<'c> Fn(&'c mut MySqlConnection, UserId, Option<String>) -> Reading<'c>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { name, read: Box::new(read) }
    }

    /// Its name in the document.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Reads one page of the export.
    pub(crate) async fn read(
        &self,
        conn: &mut MySqlConnection,
        user: UserId,
        from: Option<String>,
    ) -> Result<ExportPage, sqlx::Error> {
        (self.read)(conn, user, from).await
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("name", &self.name).finish_non_exhaustive()
    }
}
