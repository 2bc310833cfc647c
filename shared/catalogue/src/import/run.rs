//! Writes rows in batches, and remembers how far it has come.

use serde::Serialize;
use sqlx::MySqlConnection;
use toneup_platform::database::{Database, retry_deadlock};

use super::{ReadError, Refusal, Row};
use crate::product::{Product, store};

/// Products written by one transaction.
const BATCH: usize = 500;
/// Refusals that the report lists.
const LISTED: usize = 100;

/// What an import has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Rows of the file.
    pub rows: u64,
    /// Products that are new, or differ from what was stored.
    pub changed: u64,
    /// Products that were stored already as they are.
    pub unchanged: u64,
    /// Rows that an earlier import of the same file had written before it was interrupted.
    pub resumed: u64,
    /// Rows that broke a rule.
    pub refused: u64,
    /// The first of these.
    pub refusals: Vec<Refusal>,
}

/// Error: an import has ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read any further.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The database fails.
    #[error("cannot write to the database")]
    Database(#[from] sqlx::Error),
}

/// An import of one file.
#[derive(Debug)]
pub struct Import<'a> {
    /// Where the products go.
    pub database: &'a Database,
    /// SHA-256 of the file, by which an interrupted import is recognized; none where it cannot be read twice.
    pub source: Option<[u8; 32]>,
}

impl Import<'_> {
    /// Writes the rows. Every row is checked and reported; those that an interrupted import of the same file has written are
    /// not written again. `refused` is told of each refusal, `progress` of each batch's last line.
    pub async fn run(
        &self,
        rows: impl Iterator<Item = Result<Row, ReadError>>,
        mut refused: impl FnMut(&Refusal),
        mut progress: impl FnMut(u64),
    ) -> Result<Report, ImportError> {
        let done = self.resume().await?;
        let mut report = Report::default();
        let (mut batch, mut line) = (Vec::with_capacity(BATCH), 0);
        for row in rows {
            let row = row?;
            (report.rows, line) = (report.rows + 1, row.line);
            match row.product {
                Ok(_) if row.line <= done => report.resumed += 1,
                Ok(product) => batch.push(product),
                Err(refusal) => {
                    report.refused += 1;
                    refused(&refusal);
                    if report.refusals.len() < LISTED {
                        report.refusals.push(refusal);
                    }
                }
            }
            if batch.len() == BATCH {
                self.write(&mut batch, line, &mut report).await?;
                progress(line);
            }
        }
        self.write(&mut batch, line, &mut report).await?;
        progress(line);
        self.forget().await?;
        Ok(report)
    }

    async fn write(
        &self,
        batch: &mut Vec<Product>,
        line: u64,
        report: &mut Report,
    ) -> Result<(), sqlx::Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let products = &*batch;
        let written = retry_deadlock(|| {
            self.database.in_transaction(async |conn: &mut MySqlConnection| {
                let written = store::write(&mut *conn, products).await?;
                self.remember(conn, line).await?;
                Ok(written)
            })
        })
        .await?;
        report.changed += u64::try_from(written.changed).unwrap_or(u64::MAX);
        // Of two rows with one id, the earlier one.
        let rest = products.len() - written.changed;
        report.unchanged += u64::try_from(rest).unwrap_or(u64::MAX);
        batch.clear();
        Ok(())
    }

    /// The last line that an interrupted import of the same file has written, 0 for none.
    async fn resume(&self) -> Result<u64, sqlx::Error> {
        let Some(source) = &self.source else { return Ok(0) };
        let line = sqlx::query_scalar!(
            "SELECT line FROM catalogue_imports WHERE source = ?",
            source.as_slice()
        );
        let line = line.fetch_optional(&mut *self.database.acquire().await?).await?;
        Ok(line.unwrap_or(0))
    }

    async fn remember(&self, conn: &mut MySqlConnection, line: u64) -> Result<(), sqlx::Error> {
        let Some(source) = &self.source else { return Ok(()) };
        let insert = sqlx::query!(
            "INSERT INTO catalogue_imports (source, line, updated_at) VALUES (?, ?, NOW(3))
             ON DUPLICATE KEY UPDATE line = VALUES(line), updated_at = VALUES(updated_at)",
            source.as_slice(),
            line
        );
        insert.execute(conn).await.map(drop)
    }

    async fn forget(&self) -> Result<(), sqlx::Error> {
        let Some(source) = &self.source else { return Ok(()) };
        let delete =
            sqlx::query!("DELETE FROM catalogue_imports WHERE source = ?", source.as_slice());
        delete.execute(&mut *self.database.acquire().await?).await.map(drop)
    }
}
