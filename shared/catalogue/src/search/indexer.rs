//! Keeps an engine up to date with the things of a kind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::document::Document;
use super::engine::{Engine, EngineError};
use crate::live::{Batch, Consumer};
use crate::product::ProductId;
use crate::product::changes::{Subject, SubjectKind};

/// Least time between two commits: each makes a segment, and segments have to be merged.
const BETWEEN_COMMITS: Duration = Duration::from_millis(500);

/// Commits what several writers write. The first commit replaces a kept index, so it waits until all of them have written
/// everything there is.
#[derive(Debug)]
pub struct Commits {
    engine: Arc<dyn Engine>,
    /// Writers that have not.
    incomplete: AtomicUsize,
    committed: Mutex<Option<Instant>>,
}

impl Commits {
    /// Commits for so many writers.
    pub fn new(engine: Arc<dyn Engine>, writers: usize) -> Self {
        Self { engine, incomplete: AtomicUsize::new(writers), committed: Mutex::new(None) }
    }

    fn commit(&self) {
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_early = committed.is_some_and(|committed| committed.elapsed() < BETWEEN_COMMITS);
        if self.incomplete.load(Ordering::Acquire) == 0 && !is_early {
            report(self.engine.commit());
            *committed = Some(Instant::now());
        }
    }
}

/// Writes one kind of things to an engine, and has it committed.
#[derive(Debug)]
pub struct Writer {
    commits: Arc<Commits>,
    kind: SubjectKind,
    is_complete: AtomicBool,
}

impl Writer {
    /// A writer of those that `commits` waits for.
    pub fn new(commits: Arc<Commits>, kind: SubjectKind) -> Self {
        Self { commits, kind, is_complete: AtomicBool::new(false) }
    }

    /// Writes documents, and removes those of others.
    pub fn write<T: std::fmt::Display>(&self, documents: &[Document], gone: &[T]) {
        let gone: Vec<Subject> = gone.iter().map(|id| Subject::new(self.kind, id)).collect();
        report(self.commits.engine.write(documents, &gone));
    }

    /// Commits now and then, once all that there was is written.
    pub fn flush(&self) {
        if !self.is_complete.swap(true, Ordering::AcqRel) {
            self.commits.incomplete.fetch_sub(1, Ordering::AcqRel);
        }
        self.commits.commit();
    }
}

/// Writes products to an engine.
#[derive(Debug)]
pub struct Indexer {
    writer: Writer,
    likes: Mutex<HashMap<ProductId, u32>>,
}

impl Indexer {
    /// A writer of those that `commits` waits for.
    pub fn new(commits: Arc<Commits>) -> Self {
        let writer = Writer::new(commits, SubjectKind::Product);
        Self { writer, likes: Mutex::default() }
    }

    /// Sets how many people like each product; of one that is not named, nobody. Returns the products for which that makes a
    /// difference: they have to be written again.
    pub fn set_likes(&self, likes: &HashMap<ProductId, u32>) -> Vec<ProductId> {
        let mut known = self.likes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Vec::new();
        for id in likes.keys().chain(known.keys()) {
            let count = |from: &HashMap<ProductId, u32>| from.get(id).copied().unwrap_or(0);
            if magnitude(count(likes)) != magnitude(count(&known)) {
                changed.push(*id);
            }
        }
        changed.sort_unstable();
        changed.dedup();
        for id in &changed {
            match likes.get(id) {
                Some(count) => known.insert(*id, *count),
                None => known.remove(id),
            };
        }
        changed
    }
}

/// What makes a difference to the score, which grows with the logarithm.
fn magnitude(likes: u32) -> u32 {
    u32::BITS - likes.leading_zeros()
}

impl Consumer for Indexer {
    fn apply(&self, batch: &Batch) {
        let documents: Vec<Document> = {
            let likes = self.likes.lock().unwrap_or_else(PoisonError::into_inner);
            let likes_of = |id: &ProductId| likes.get(id).copied().unwrap_or(0);
            let present = batch.present.iter();
            present.map(|one| Document::of_product(one, likes_of(&one.product.id))).collect()
        };
        let gone: Vec<u64> = batch.gone.iter().map(|id| id.0).collect();
        self.writer.write(&documents, &gone);
    }

    fn flush(&self) {
        self.writer.flush();
    }
}

fn report(done: Result<(), EngineError>) {
    if let Err(error) = done {
        tracing::error!(error = ?error, "the search index is incomplete until the next start");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Request, TantivyEngine};

    fn post(number: u64) -> Document {
        Document::of_post(number, "코랄 니트를 입었어요".to_owned())
    }

    #[test]
    fn the_first_commit_waits_for_all_writers() {
        let engine: Arc<dyn Engine> = Arc::new(TantivyEngine::in_memory().unwrap());
        let commits = Arc::new(Commits::new(Arc::clone(&engine), 2));
        let posts = Writer::new(Arc::clone(&commits), SubjectKind::Post);
        let products = Indexer::new(commits);
        let found = || {
            let request = Request { text: "코랄".to_owned(), most: 9, ..Request::default() };
            engine.search(&request).unwrap().hits.len()
        };
        posts.write::<u64>(&[post(1), post(2)], &[]);
        posts.flush();
        posts.flush();
        assert_eq!(found(), 0);
        products.flush();
        assert_eq!(found(), 2);
    }

    #[test]
    fn products_are_written_again_where_likes_make_a_difference() {
        let engine: Arc<dyn Engine> = Arc::new(TantivyEngine::in_memory().unwrap());
        let indexer = Indexer::new(Arc::new(Commits::new(engine, 1)));
        let likes = |counts: &[(u64, u32)]| -> HashMap<ProductId, u32> {
            counts.iter().map(|(id, count)| (ProductId(*id), *count)).collect()
        };
        let ids = |ids: &[u64]| -> Vec<ProductId> { ids.iter().copied().map(ProductId).collect() };
        assert_eq!(indexer.set_likes(&likes(&[(1, 1), (2, 100), (3, 0)])), ids(&[1, 2]));
        assert_eq!(indexer.set_likes(&likes(&[(1, 1), (2, 110), (3, 7)])), ids(&[3]));
        assert_eq!(indexer.set_likes(&likes(&[(2, 200)])), ids(&[1, 2, 3]));
    }
}
