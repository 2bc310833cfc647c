//! Products in the database.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sqlx::{MySqlConnection, QueryBuilder};
use time::OffsetDateTime;
use toneup_colour::result::PersonalColor;
use toneup_platform::database::{bind_list, json_rows};

use super::changes::{self, SubjectKind};
use super::colour::Rgb;
use super::{Product, ProductId, SeasonWeight, Sex};

/// A product as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProduct {
    /// The product.
    pub product: Product,
    /// When it came into the catalogue.
    pub created_at: OffsetDateTime,
}

/// What writing a batch has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Products that were not there before, or were different.
    pub changed: usize,
    /// Products that were there already as they are.
    pub unchanged: usize,
}

#[derive(Serialize)]
struct ProductRow<'a> {
    id: u64,
    brand: &'a str,
    name: &'a str,
    price: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    sex: &'a str,
    colour: Option<&'a str>,
    hex: Option<String>,
    url: &'a str,
    digest: String,
}

#[derive(Serialize)]
struct PictureRow<'a> {
    id: u64,
    position: usize,
    url: &'a str,
}

#[derive(Serialize)]
struct ColourRow {
    id: u64,
    season: &'static str,
    weight: u8,
}

/// Inserts products, or replaces those that differ, in the caller's transaction, and notes the changes. The products are
/// checked ([`Product::checked`]); of two with one id the last counts.
pub async fn write(
    conn: &mut MySqlConnection,
    products: &[Product],
) -> Result<Written, sqlx::Error> {
    let mut latest = latest(products);
    let known = digests(conn, &ids_of(&latest)).await?;
    let total = latest.len();
    latest.retain(|(product, digest)| known.get(&product.id) != Some(digest));
    if latest.is_empty() {
        return Ok(Written { changed: 0, unchanged: total });
    }
    insert(conn, &latest).await?;
    let ids = ids_of(&latest);
    insert_counters(conn, &ids).await?;
    if ids.iter().any(|id| known.contains_key(id)) {
        delete_parts(conn, &ids).await?;
    }
    insert_parts(conn, &latest).await?;
    changes::note(conn, SubjectKind::Product, &ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .await?;
    Ok(Written { changed: latest.len(), unchanged: total - latest.len() })
}

/// Products with their digests, the last of each id, in order of id: one order for all writers.
fn latest(products: &[Product]) -> Vec<(&Product, [u8; 16])> {
    let latest: BTreeMap<ProductId, &Product> =
        products.iter().map(|product| (product.id, product)).collect();
    latest.into_values().map(|product| (product, product.digest())).collect()
}

fn ids_of(products: &[(&Product, [u8; 16])]) -> Vec<ProductId> {
    products.iter().map(|(product, _)| product.id).collect()
}

/// The digests of those of the products that are stored.
async fn digests(
    conn: &mut MySqlConnection,
    ids: &[ProductId],
) -> Result<HashMap<ProductId, [u8; 16]>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::new("SELECT id, digest FROM products WHERE id IN ");
    bind_list(&mut query, ids.iter().copied());
    let rows: Vec<(ProductId, Vec<u8>)> = query.build_query_as().fetch_all(conn).await?;
    let digest = |(id, digest): (ProductId, Vec<u8>)| Some((id, digest.try_into().ok()?));
    Ok(rows.into_iter().filter_map(digest).collect())
}

async fn insert(
    conn: &mut MySqlConnection,
    products: &[(&Product, [u8; 16])],
) -> Result<(), sqlx::Error> {
    let rows: Vec<ProductRow<'_>> = products
        .iter()
        .map(|(product, digest)| ProductRow {
            id: product.id.0,
            brand: &product.brand,
            name: &product.name,
            price: product.price,
            kind: &product.kind,
            sex: product.sex.as_str(),
            colour: product.color.as_deref(),
            hex: product.hex.map(|hex| hex.to_string()),
            url: &product.url,
            digest: hex::encode(digest),
        })
        .collect();
    let insert = sqlx::query!(
        "INSERT INTO products
             (id, brand, name, price, type, sex, colour, hex, url, digest, created_at, updated_at)
         SELECT r.id, r.brand, r.name, r.price, r.type, r.sex, r.colour, r.hex, r.url,
                UNHEX(r.digest), NOW(3), NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             id BIGINT UNSIGNED PATH '$.id',
             brand VARCHAR(100) CHARACTER SET utf8mb4 PATH '$.brand',
             name VARCHAR(200) CHARACTER SET utf8mb4 PATH '$.name',
             price INT UNSIGNED PATH '$.price',
             type VARCHAR(40) CHARACTER SET utf8mb4 PATH '$.type',
             sex VARCHAR(6) PATH '$.sex',
             colour VARCHAR(40) CHARACTER SET utf8mb4 PATH '$.colour',
             hex VARCHAR(7) PATH '$.hex',
             url VARCHAR(1000) CHARACTER SET utf8mb4 PATH '$.url',
             digest CHAR(32) PATH '$.digest')) AS r
         ON DUPLICATE KEY UPDATE
             brand = VALUES(brand), name = VALUES(name), price = VALUES(price),
             type = VALUES(type), sex = VALUES(sex), colour = VALUES(colour),
             hex = VALUES(hex), url = VALUES(url), digest = VALUES(digest),
             updated_at = VALUES(updated_at)",
        json_rows(&rows)?
    );
    insert.execute(conn).await.map(drop)
}

async fn insert_parts(
    conn: &mut MySqlConnection,
    products: &[(&Product, [u8; 16])],
) -> Result<(), sqlx::Error> {
    let (mut pictures, mut colours) = (Vec::new(), Vec::new());
    for (product, _) in products {
        let id = product.id.0;
        for (position, url) in product.pictures.iter().enumerate() {
            pictures.push(PictureRow { id, position, url });
        }
        for SeasonWeight { season, weight } in &product.seasons {
            colours.push(ColourRow { id, season: season.as_str(), weight: *weight });
        }
    }
    if !pictures.is_empty() {
        let insert = sqlx::query!(
            "INSERT INTO product_pictures (product_id, position, url)
             SELECT r.id, r.position, r.url
             FROM JSON_TABLE(?, '$[*]' COLUMNS (
                 id BIGINT UNSIGNED PATH '$.id', position INT PATH '$.position',
                 url VARCHAR(1000) CHARACTER SET utf8mb4 PATH '$.url')) AS r",
            json_rows(&pictures)?
        );
        insert.execute(&mut *conn).await?;
    }
    if colours.is_empty() {
        return Ok(());
    }
    let insert = sqlx::query!(
        "INSERT INTO product_colours (product_id, season, weight)
         SELECT r.id, r.season, r.weight
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             id BIGINT UNSIGNED PATH '$.id', season VARCHAR(6) PATH '$.season',
             weight INT PATH '$.weight')) AS r",
        json_rows(&colours)?
    );
    insert.execute(conn).await.map(drop)
}

/// Deletes pictures and seasons of products.
/// Lets products be liked: what has no counters cannot be.
async fn insert_counters(conn: &mut MySqlConnection, ids: &[ProductId]) -> Result<(), sqlx::Error> {
    let numbers: Vec<u64> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "INSERT IGNORE INTO content_counters (kind, target_id)
         SELECT 'product', r.id
         FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS r",
        json_rows(&numbers)?,
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn delete_parts(conn: &mut MySqlConnection, ids: &[ProductId]) -> Result<(), sqlx::Error> {
    for table in ["product_pictures", "product_colours"] {
        let mut query = QueryBuilder::new(format!("DELETE FROM {table} WHERE product_id IN "));
        bind_list(&mut query, ids.iter().copied());
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Deletes a product in the caller's transaction, and notes it; false if there was none.
pub async fn delete(conn: &mut MySqlConnection, id: ProductId) -> Result<bool, sqlx::Error> {
    let delete = sqlx::query!("DELETE FROM products WHERE id = ?", id);
    if delete.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(false);
    }
    delete_parts(conn, &[id]).await?;
    // The counters first: whoever likes it locks them.
    sqlx::query!("DELETE FROM content_counters WHERE kind = 'product' AND target_id = ?", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM likes WHERE kind = 'product' AND target_id = ?", id)
        .execute(&mut *conn)
        .await?;
    changes::note(conn, SubjectKind::Product, &[id.0]).await?;
    Ok(true)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ProductId,
    brand: String,
    name: String,
    price: u32,
    r#type: String,
    sex: Sex,
    colour: Option<String>,
    hex: Option<String>,
    url: String,
    created_at: OffsetDateTime,
}

const COLUMNS: &str = "id, brand, name, price, type, sex, colour, hex, url, created_at";

/// Finds products by their ids; those that are not there are left out.
pub async fn find(
    conn: &mut MySqlConnection,
    ids: &[ProductId],
) -> Result<HashMap<ProductId, StoredProduct>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM products WHERE id IN "));
    bind_list(&mut query, ids.iter().copied());
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
    let whole = complete(conn, rows).await?;
    Ok(whole.into_iter().map(|stored| (stored.product.id, stored)).collect())
}

/// Lists products after `after`, in order of id.
pub async fn list(
    conn: &mut MySqlConnection,
    after: ProductId,
    most: u32,
) -> Result<Vec<StoredProduct>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: ProductId", brand, name, price, type AS "type", sex AS "sex: Sex",
                  colour AS "colour: String", hex AS "hex: String", url,
                  created_at AS "created_at: OffsetDateTime"
           FROM products WHERE id > ? ORDER BY id LIMIT ?"#,
        after,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    complete(conn, rows).await
}

/// Adds pictures and seasons to the rows.
async fn complete(
    conn: &mut MySqlConnection,
    rows: Vec<Row>,
) -> Result<Vec<StoredProduct>, sqlx::Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = || rows.iter().map(|row| row.id);
    let mut query =
        QueryBuilder::new("SELECT product_id, url FROM product_pictures WHERE product_id IN ");
    bind_list(&mut query, ids());
    query.push(" ORDER BY product_id, position");
    let found: Vec<(ProductId, String)> = query.build_query_as().fetch_all(&mut *conn).await?;
    let mut pictures: HashMap<ProductId, Vec<String>> = HashMap::new();
    for (id, url) in found {
        pictures.entry(id).or_default().push(url);
    }
    let mut query = QueryBuilder::new(
        "SELECT product_id, season, weight FROM product_colours WHERE product_id IN ",
    );
    bind_list(&mut query, ids());
    let found: Vec<(ProductId, PersonalColor, u8)> =
        query.build_query_as().fetch_all(&mut *conn).await?;
    let mut seasons: HashMap<ProductId, Vec<SeasonWeight>> = HashMap::new();
    for (id, season, weight) in found {
        seasons.entry(id).or_default().push(SeasonWeight { season, weight });
    }
    let whole = |row: Row| {
        let (pictures, seasons) = (pictures.remove(&row.id), seasons.remove(&row.id));
        row.with(pictures.unwrap_or_default(), seasons.unwrap_or_default())
    };
    Ok(rows.into_iter().map(whole).collect())
}

impl Row {
    fn with(self, pictures: Vec<String>, mut seasons: Vec<SeasonWeight>) -> StoredProduct {
        seasons.sort_by_key(|one| one.season);
        let product = Product {
            id: self.id,
            brand: self.brand,
            name: self.name,
            price: self.price,
            kind: self.r#type,
            sex: self.sex,
            color: self.colour,
            hex: self.hex.and_then(|text| text.parse::<Rgb>().ok()),
            url: self.url,
            pictures,
            seasons,
        };
        StoredProduct { product, created_at: self.created_at }
    }
}
