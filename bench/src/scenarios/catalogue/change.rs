//! From the commit of a change to its first being found, through the API.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{Connection, MySqlConnection};
use tokio::time::{Instant, sleep};
use toneup_catalogue::product::{Product, store};
use url::Url;

use super::shop::Shop;
use crate::load::target::http;
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};
use crate::site::Site;

/// Products of one transaction.
const BATCH: usize = 500;
/// Changes of a full and of a quick run.
const CHANGES: (usize, usize) = (100, 15);
/// Pause between two searches.
const LOOK: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_mins(4);
/// Number of the change by which the import's end is seen.
const SENTINEL: usize = 9999;

/// A signed-in client that searches.
struct Searcher {
    http: Client,
    url: String,
    token: String,
}

/// Imports all products, and measures the time until changes of some are found.
pub(super) async fn run(
    quick: bool,
    site: &Site,
    shop: &Shop,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut conn = site.connect().await?;
    let products: Vec<Product> = shop.products.iter().map(|one| one.product.clone()).collect();
    let begun = Instant::now();
    for batch in products.chunks(BATCH) {
        let mut transaction = conn.begin().await?;
        store::write(&mut transaction, batch).await?;
        transaction.commit().await?;
    }
    let imported = begun.elapsed().as_secs_f64();
    let client = Searcher::sign_in(site).await?;
    // All are in the index once the last change is.
    let last = products.last().context("no products")?;
    change(&mut conn, last, SENTINEL).await?;
    client.found(&rare_word(SENTINEL), last.id.0).await?;
    write(&mut conn, last).await?;
    let changes = if quick { CHANGES.1 } else { CHANGES.0 };
    let mut times = Vec::with_capacity(changes);
    for (number, product) in products.iter().step_by(products.len() / changes).enumerate() {
        change(&mut conn, product, number).await?;
        let committed = Instant::now();
        client.found(&rare_word(number), product.id.0).await?;
        times.push(committed.elapsed().as_secs_f64() * 1e3);
        // And back, so that what is measured later is the generated catalogue.
        write(&mut conn, product).await?;
    }
    let times = Sorted::new(times);
    report.next_table();
    report.row(
        Row::default()
            .with("what", "a change, from its commit to the search that finds it")
            .with("products", products.len())
            .number("import_s", imported)
            .with("changes", times.values().len())
            .number("median_ms", times.median())
            .number("p99_ms", times.percentile(99.0))
            .wanted("p99 <= 1000 ms", times.percentile(99.0) <= 1000.0),
    )
}

/// Adds a word to a product's name that no other name has.
async fn change(
    conn: &mut MySqlConnection,
    product: &Product,
    number: usize,
) -> anyhow::Result<()> {
    let name = format!("{} {}", product.name, rare_word(number));
    write(conn, &Product { name, ..product.clone() }).await
}

async fn write(conn: &mut MySqlConnection, product: &Product) -> anyhow::Result<()> {
    let mut transaction = conn.begin().await?;
    store::write(&mut transaction, std::slice::from_ref(product)).await?;
    Ok(transaction.commit().await?)
}

/// A word of syllables that are rare, for each number another.
fn rare_word(number: usize) -> String {
    const SYLLABLES: [char; 10] = ['쨟', '뷁', '꿻', '쒧', '쫡', '뜗', '퓛', '뺿', '쬻', '휋'];
    let digits = format!("{number:04}");
    digits.bytes().map(|digit| SYLLABLES[usize::from(digit - b'0')]).collect()
}

impl Searcher {
    async fn sign_in(site: &Site) -> anyhow::Result<Self> {
        let http = http()?;
        let asked = http.post(format!("{}/v1/sessions/guest", site.api)).json(&json!({}));
        let session: Value = asked.send().await?.error_for_status()?.json().await?;
        let token = session["accessToken"].as_str().context("no token")?.to_owned();
        Ok(Self { http, url: format!("{}/v1/search", site.api), token })
    }

    /// Searches until a product is found.
    async fn found(&self, text: &str, id: u64) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        let url = Url::parse_with_params(&self.url, [("q", text), ("limit", "50")])?;
        loop {
            let asked = self.http.get(url.as_str());
            let answer = asked.bearer_auth(&self.token).send().await?;
            let page: Value = answer.error_for_status()?.json().await?;
            let items = page["items"].as_array().into_iter().flatten();
            let is_exact = page["isLoose"] == false;
            if is_exact && items.into_iter().any(|item| item["product"]["id"] == id) {
                return Ok(());
            }
            ensure!(Instant::now() < give_up, "product {id} is not found by {text}");
            sleep(LOOK).await;
        }
    }
}
