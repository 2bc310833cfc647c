//! The first server's search: `LIKE '%…%'` on name and brand, in no order.

use anyhow::Context;
use sqlx::{Executor, MySqlConnection, QueryBuilder};

use super::shop;
use crate::site::Site;

/// Rows of an insert.
const ROWS: u64 = 5000;

/// The first server's query over one table.
#[derive(Debug)]
pub(super) struct Like {
    conn: MySqlConnection,
    sql: &'static str,
}

impl Like {
    /// Searches the site's products.
    pub(super) async fn of_products(site: &Site) -> anyhow::Result<Self> {
        let sql = "SELECT id FROM products WHERE name LIKE ? OR brand LIKE ? LIMIT 20";
        Ok(Self { conn: site.connect().await?, sql })
    }

    /// Searches a table of so many generated products, which this fills.
    pub(super) async fn of_many(site: &Site, size: u64) -> anyhow::Result<Self> {
        let mut conn = site.connect().await?;
        conn.execute(
            "CREATE TABLE many_products (id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
                brand VARCHAR(100) NOT NULL, name VARCHAR(200) NOT NULL)
             ENGINE = InnoDB DEFAULT CHARSET = utf8mb4",
        )
        .await?;
        let mut number = 1;
        while number <= size {
            let end = (number + ROWS).min(size + 1);
            let mut query = QueryBuilder::new("INSERT INTO many_products (id, brand, name) ");
            query.push_values(number..end, |mut row, number| {
                let product = shop::stored(number).product;
                row.push_bind(number).push_bind(product.brand).push_bind(product.name);
            });
            query.build().execute(&mut conn).await.context("filling the table")?;
            number = end;
        }
        let sql = "SELECT id FROM many_products WHERE name LIKE ? OR brand LIKE ? LIMIT 20";
        Ok(Self { conn, sql })
    }

    /// The ids that it finds.
    pub(super) async fn find(&mut self, text: &str) -> anyhow::Result<Vec<u64>> {
        let pattern = format!("%{text}%");
        let query = sqlx::query_scalar(self.sql).bind(&pattern).bind(&pattern);
        Ok(query.fetch_all(&mut self.conn).await?)
    }
}
