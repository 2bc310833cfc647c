//! For tests that a query reads only the rows it needs, however full the tables are: the server's own counters of rows read
//! are compared before and after. A crate of its own, as the crates that it is for are below the one that starts the programs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use sqlx::MySqlConnection;

/// Rows that this session has read so far, by whatever way; asking reads some, too.
///
/// # Panics
///
/// Panics if the server does not tell.
pub async fn rows_read(conn: &mut MySqlConnection) -> i64 {
    let counters: Vec<(String, String)> =
        sqlx::query_as("SHOW SESSION STATUS LIKE 'Handler_read%'").fetch_all(conn).await.unwrap();
    counters.iter().map(|(_, count)| count.parse::<i64>().unwrap()).sum()
}

/// Asserts that `$work` on the connection reads at most `$most` rows; returns what it found.
#[macro_export]
macro_rules! assert_reads {
    ($conn:expr, $most:expr, $work:expr) => {{
        let before = $crate::rows_read(&mut $conn).await;
        let found = $work.await.unwrap();
        // Asking for the counters itself reads some rows: measure that too.
        let between = $crate::rows_read(&mut $conn).await;
        let asking = $crate::rows_read(&mut $conn).await - between;
        let read = between - before - asking;
        assert!(read <= $most, "{read} rows read: {}", stringify!($work));
        found
    }};
}
