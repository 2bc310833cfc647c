//! The log of changes that search, suggestions and recommendations follow.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use sqlx::MySqlConnection;
use toneup_platform::database::{json_rows, micros};

/// The kinds of things that are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectKind {
    /// A product, by its number.
    Product,
    /// A post, by its UUID.
    Post,
    /// A person, by their UUID.
    Person,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Product, Self::Post, Self::Person];

    /// The word used in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Post => "post",
            Self::Person => "person",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Something that can be searched.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// The kind of it.
    pub kind: SubjectKind,
    /// Its id, as text.
    pub id: String,
}

impl Subject {
    /// A thing of a kind.
    pub fn new(kind: SubjectKind, id: impl fmt::Display) -> Self {
        Self { kind, id: id.to_string() }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Number of the entry.
    pub id: u64,
    /// What has changed, or is gone.
    pub subject: Subject,
    /// True once the entry is so old that no earlier one can appear any more.
    pub is_settled: bool,
}

/// Notes in the caller's transaction that things have changed. Last in the transaction: readers look back for a time that
/// transactions do not exceed after this.
pub async fn note(
    conn: &mut MySqlConnection,
    kind: SubjectKind,
    ids: &[impl fmt::Display],
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        subject: String,
    }
    let rows: Vec<Row> = ids.iter().map(|id| Row { subject: id.to_string() }).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let insert = sqlx::query!(
        "INSERT INTO catalogue_changes (kind, subject, changed_at)
         SELECT ?, r.subject, NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (subject VARCHAR(36) PATH '$.subject')) AS r",
        kind.as_str(),
        json_rows(&rows)?
    );
    insert.execute(conn).await.map(drop)
}

/// Reads entries after `after`, oldest first. An entry younger than `settling` is not settled.
pub async fn read(
    conn: &mut MySqlConnection,
    after: u64,
    settling: Duration,
    most: u32,
) -> Result<Vec<Change>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id, kind, subject,
                  changed_at < NOW(3) - INTERVAL ? MICROSECOND AS "is_settled!: bool"
           FROM catalogue_changes WHERE id > ? ORDER BY id LIMIT ?"#,
        micros(settling),
        after,
        most
    )
    .fetch_all(conn)
    .await?;
    let changes = rows.into_iter().filter_map(|row| {
        // A kind of a later release is that release's to read.
        let kind = SubjectKind::parse(&row.kind)?;
        let subject = Subject { kind, id: row.subject };
        Some(Change { id: row.id, subject, is_settled: row.is_settled })
    });
    Ok(changes.collect())
}

/// The numbers of the oldest entry that is kept and of the newest one, 0 if there is none.
pub async fn ends(conn: &mut MySqlConnection) -> Result<(u64, u64), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT MIN(id) AS "oldest: u64", MAX(id) AS "newest: u64" FROM catalogue_changes"#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.oldest.unwrap_or(0), row.newest.unwrap_or(0)))
}

/// An entry of which no earlier one can appear any more: what came before it is visible in the tables.
pub async fn settled(conn: &mut MySqlConnection, settling: Duration) -> Result<u64, sqlx::Error> {
    let young = sqlx::query_scalar!(
        r#"SELECT MIN(id) AS "id: u64" FROM catalogue_changes
           WHERE changed_at >= NOW(3) - INTERVAL ? MICROSECOND"#,
        micros(settling)
    );
    match young.fetch_one(&mut *conn).await? {
        Some(young) => Ok(young.saturating_sub(1)),
        None => ends(conn).await.map(|(_, newest)| newest),
    }
}

/// Deletes entries that are older than `retention`, `most` at a time; returns how many.
pub async fn purge(
    conn: &mut MySqlConnection,
    retention: Duration,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let delete = sqlx::query!(
        "DELETE FROM catalogue_changes WHERE changed_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
        micros(retention),
        most
    );
    Ok(delete.execute(conn).await?.rows_affected())
}
