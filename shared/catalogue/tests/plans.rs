//! Queries that run per request or several times a second read only the rows they need, however full the tables are.

use std::time::Duration;

use sqlx::MySqlPool;
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::product::{ProductId, changes, store};
use toneup_catalogue::recommend::read_colour;
use toneup_plans::assert_reads;
use toneup_platform::identity::UserId;
use uuid::Uuid;

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_reads_the_tables_through(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    let products: Vec<_> = (1..=2000).map(|number| Catalogue::new(1).product(number)).collect();
    for products in products.chunks(500) {
        store::write(&mut conn, products).await.unwrap();
    }
    let (oldest, newest) = changes::ends(&mut conn).await.unwrap();
    sqlx::query("UPDATE catalogue_changes SET changed_at = NOW(3) - INTERVAL 2 DAY WHERE id < ?")
        .bind(newest - 3)
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO personal_colours (user_id, colour, job_id)
         SELECT UNHEX(LPAD(HEX(id), 32, '0')), 'SPRING', UNHEX(LPAD(HEX(id), 32, '0')) FROM products",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    sqlx::raw_sql(
        "ANALYZE TABLE products, product_pictures, product_colours, catalogue_changes, personal_colours",
    )
    .execute(&mut *conn)
    .await
    .unwrap();

    let ids: Vec<ProductId> = (1..=50).map(|id| ProductId(id * 7)).collect();
    // Of each the row, its pictures and its seasons; lists are padded to 64.
    let found = assert_reads!(conn, 64 * 12, store::find(&mut conn, &ids));
    assert_eq!(found.len(), 50);
    let page = assert_reads!(conn, 64 * 12, store::list(&mut conn, ProductId(1000), 50));
    assert_eq!(page.len(), 50);
    let settling = Duration::from_secs(10);
    let log = assert_reads!(conn, 60, changes::read(&mut conn, newest - 500, settling, 50));
    assert_eq!(log.len(), 50);
    assert_reads!(conn, 16, changes::ends(&mut conn));
    assert_reads!(conn, 24, changes::settled(&mut conn, settling));
    let user = UserId(Uuid::from_u128(77));
    assert!(assert_reads!(conn, 16, read_colour(&mut conn, user)).season.is_some());
    let purged = assert_reads!(conn, 250, changes::purge(&mut conn, Duration::from_hours(24), 100));
    assert_eq!((purged, oldest), (100, 1));
}
