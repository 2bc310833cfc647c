//! The generated catalogue in memory.

use time::OffsetDateTime;
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::live::{Batch, Consumer, Facts};
use toneup_catalogue::product::store::StoredProduct;
use toneup_catalogue::search::{Document, Engine};
use toneup_catalogue::suggest::Suggestions;

/// Products of the first server's catalogue.
pub(super) const SIZE: u64 = Catalogue::SIZE;
/// Seed of the catalogue.
pub(super) const SEED: u64 = 1;
/// Products that are written at once.
const BATCH: u64 = 1000;
/// When the products came into the catalogue, and the time at which they are recommended: 90 days later.
const CREATED: i64 = 1_790_000_000;
pub(super) const NOW: i64 = CREATED + 90 * 86_400;

/// Generated products, in order of their ids from 1.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) products: Vec<StoredProduct>,
}

/// A product as it is stored.
pub(super) fn stored(number: u64) -> StoredProduct {
    let created_at =
        OffsetDateTime::from_unix_timestamp(CREATED).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    StoredProduct { product: Catalogue::new(SEED).product(number), created_at }
}

impl Shop {
    /// The first products.
    pub(super) fn new(size: u64) -> Self {
        Self { products: (1..=size).map(stored).collect() }
    }

    /// Facts of all products.
    pub(super) fn facts(&self, size: u64) -> Facts {
        let mut facts = Facts::default();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.products.iter().take(size).for_each(|stored| facts.insert(stored));
        facts
    }

    /// Suggestions of all products.
    pub(super) fn suggestions(&self) -> Suggestions {
        let suggestions = Suggestions::default();
        suggestions.apply(&Batch { present: self.products.clone(), gone: Vec::new() });
        suggestions.flush();
        suggestions
    }
}

/// Writes the first products to an engine, and commits; calls `progress` after each thousand.
pub(super) fn write(
    engine: &dyn Engine,
    size: u64,
    mut progress: impl FnMut(),
) -> anyhow::Result<()> {
    let mut number = 1;
    while number <= size {
        let end = (number + BATCH).min(size + 1);
        let documents: Vec<Document> =
            (number..end).map(|one| Document::of_product(&stored(one), 0)).collect();
        engine.write(&documents, &[])?;
        number = end;
        progress();
    }
    Ok(engine.commit()?)
}
