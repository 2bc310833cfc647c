//! Keeps an engine up to date with the products.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::document::Document;
use super::engine::{Engine, EngineError};
use crate::live::{Batch, Consumer};
use crate::product::changes::{Subject, SubjectKind};

/// Least time between two commits: each makes a segment, and segments have to be merged.
const BETWEEN_COMMITS: Duration = Duration::from_millis(500);

/// Writes products to an engine.
#[derive(Debug)]
pub struct Indexer {
    engine: Arc<dyn Engine>,
    committed: Mutex<Option<Instant>>,
}

impl Indexer {
    /// Writes to this engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, committed: Mutex::new(None) }
    }
}

impl Consumer for Indexer {
    fn apply(&self, batch: &Batch) {
        let documents: Vec<Document> =
            batch.present.iter().map(|stored| Document::of_product(stored, 0)).collect();
        let gone: Vec<Subject> =
            batch.gone.iter().map(|id| Subject::new(SubjectKind::Product, id.0)).collect();
        report(self.engine.write(&documents, &gone));
    }

    fn flush(&self) {
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        if committed.is_none_or(|committed| committed.elapsed() >= BETWEEN_COMMITS) {
            report(self.engine.commit());
            *committed = Some(Instant::now());
        }
    }
}

fn report(done: Result<(), EngineError>) {
    if let Err(error) = done {
        tracing::error!(error = ?error, "the search index is incomplete until the next start");
    }
}
