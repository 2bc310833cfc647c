//! What is suggested, kept up to date with the products.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::SuggestionKind;
use super::index::{Index, Suggestion};
use crate::live::{Batch, Consumer};
use crate::product::ProductId;
use crate::product::store::StoredProduct;

/// What a product adds to the score of its brand, and of its name.
const BRAND: u32 = 5;
const NAME: u32 = 1;

/// Suggestions of the catalogue.
#[derive(Debug, Default)]
pub struct Suggestions {
    index: RwLock<Arc<Index>>,
    source: Mutex<Source>,
}

#[derive(Debug, Default)]
struct Source {
    products: HashMap<ProductId, [(SuggestionKind, String); 2]>,
    scores: HashMap<(SuggestionKind, String), u32>,
    is_changed: bool,
}

impl Suggestions {
    /// The suggestions as they are now.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Consumer for Suggestions {
    fn apply(&self, batch: &Batch) {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        batch.gone.iter().for_each(|id| source.remove(*id));
        batch.present.iter().for_each(|stored| source.insert(stored));
    }

    fn flush(&self) {
        let suggestions: Vec<Suggestion> = {
            let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::take(&mut source.is_changed) {
                return;
            }
            let suggestion = |((kind, text), score): (&(SuggestionKind, String), &u32)| {
                Suggestion { text: text.clone(), kind: *kind, score: *score }
            };
            source.scores.iter().map(suggestion).collect()
        };
        let index = Arc::new(Index::new(suggestions));
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }
}

impl Source {
    fn insert(&mut self, stored: &StoredProduct) {
        let product = &stored.product;
        let words = [
            (SuggestionKind::Brand, product.brand.clone()),
            (SuggestionKind::Name, product.name.clone()),
        ];
        if self.products.get(&product.id) == Some(&words) {
            return;
        }
        self.remove(product.id);
        for word in &words {
            *self.scores.entry(word.clone()).or_default() += weight(word.0);
        }
        self.products.insert(product.id, words);
        self.is_changed = true;
    }

    fn remove(&mut self, id: ProductId) {
        for word in self.products.remove(&id).into_iter().flatten() {
            let weight = weight(word.0);
            if let Some(score) = self.scores.get_mut(&word) {
                *score = score.saturating_sub(weight);
                if *score == 0 {
                    self.scores.remove(&word);
                }
            }
            self.is_changed = true;
        }
    }
}

fn weight(kind: SuggestionKind) -> u32 {
    match kind {
        SuggestionKind::Brand => BRAND,
        SuggestionKind::Name => NAME,
    }
}
