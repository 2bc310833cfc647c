//! Importing products.

use serde_json::json;
use sqlx::MySqlPool;
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::import::{Format, Import, ImportError, Report, rows, survey};
use toneup_catalogue::product::{ProductId, changes, store};
use toneup_platform::database::Database;

fn lines(numbers: impl Iterator<Item = u64>) -> String {
    let catalogue = Catalogue::new(1);
    let line = |number| serde_json::to_string(&catalogue.product(number)).unwrap() + "\n";
    numbers.map(line).collect()
}

async fn import(database: &Database, text: &str) -> Report {
    let (digest, _) = survey(text.as_bytes()).unwrap();
    let import = Import { database, source: Some(digest) };
    let rows = rows(Format::JsonLines, text.as_bytes()).unwrap();
    import.run(rows, |_| {}, |_| {}).await.unwrap()
}

async fn change_log(db: &MySqlPool) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM catalogue_changes").fetch_one(db).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn products_are_stored_as_they_were_given_and_a_repeated_import_changes_nothing(
    db: MySqlPool,
) {
    let database = Database::from(db.clone());
    let text = lines(1..=1200);
    let report = import(&database, &text).await;
    assert_eq!((report.rows, report.changed, report.unchanged, report.refused), (1200, 1200, 0, 0));
    let mut conn = db.acquire().await.unwrap();
    let ids: Vec<ProductId> = [1, 600, 1200].map(ProductId).to_vec();
    let found = store::find(&mut conn, &ids).await.unwrap();
    for id in ids {
        assert_eq!(found[&id].product, Catalogue::new(1).product(id.0));
    }
    let again = import(&database, &text).await;
    assert_eq!((again.changed, again.unchanged), (0, 1200));
    assert_eq!(change_log(&db).await, 1200);

    let mut product = Catalogue::new(1).product(600);
    (product.price, product.pictures) = (500, vec![]);
    let (_, newest) = changes::ends(&mut conn).await.unwrap();
    let changed = serde_json::to_string(&product).unwrap();
    assert_eq!(import(&database, &changed).await.changed, 1);
    assert_eq!(store::find(&mut conn, &[product.id]).await.unwrap()[&product.id].product, product);
    let log = changes::read(&mut conn, newest, std::time::Duration::ZERO, 10).await.unwrap();
    assert_eq!(log.iter().map(|one| one.subject.id.as_str()).collect::<Vec<_>>(), ["600"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn refused_rows_are_reported_and_the_others_imported(db: MySqlPool) {
    let database = Database::from(db.clone());
    let text = format!(
        "{}{}\nnot json\n{}",
        lines(1..=2),
        json!({ "id": 3, "brand": "", "name": "x", "price": 1, "type": "x", "sex": "MALE", "url": "https://a.example" }),
        lines(4..=4)
    );
    let report = import(&database, &text).await;
    assert_eq!((report.rows, report.changed, report.refused), (5, 3, 2));
    let places: Vec<_> =
        report.refusals.iter().map(|one| (one.line, one.field.as_deref())).collect();
    assert_eq!(places, [(3, Some("brand")), (4, None)]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_import_that_was_interrupted_goes_on_behind_its_last_batch(db: MySqlPool) {
    let database = Database::from(db.clone());
    let text = lines(1..=1300);
    let (digest, _) = survey(text.as_bytes()).unwrap();
    let failure = || Err(toneup_catalogue::import::ReadError::EndlessRow { line: 1101 });
    let broken = rows(Format::JsonLines, text.as_bytes()).unwrap();
    let broken = broken.take(1100).chain(std::iter::once_with(failure));
    let import_file = Import { database: &database, source: Some(digest) };
    let ended = import_file.run(broken, |_| {}, |_| {}).await;
    assert!(matches!(ended, Err(ImportError::Read(_))), "{ended:?}");
    assert_eq!(change_log(&db).await, 1000);
    // Somebody changes a product meanwhile: what is done is not done again.
    sqlx::query("UPDATE products SET price = 1, digest = UNHEX(REPEAT('00', 16)) WHERE id = 7")
        .execute(&db)
        .await
        .unwrap();
    let report = import(&database, &text).await;
    assert_eq!((report.rows, report.resumed, report.changed), (1300, 1000, 300));
    let price: u32 =
        sqlx::query_scalar("SELECT price FROM products WHERE id = 7").fetch_one(&db).await.unwrap();
    assert_eq!(price, 1);
    // It has ended: the next import of the file is a new one.
    assert_eq!(import(&database, &text).await.changed, 1);
}
