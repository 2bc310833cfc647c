//! The copy of the facts, and of the embeddings' current generation.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::facts::Facts;
use super::follow::{Batch, Consumer};
use crate::embeddings::Vectors;
use crate::product::ProductId;

/// Pause between two looks for a new generation.
const PAUSE: Duration = Duration::from_secs(5);

/// Facts that follow the catalogue.
#[derive(Debug, Default)]
pub struct FactsCopy(RwLock<Facts>);

impl FactsCopy {
    /// The facts as they are now. Changes wait until they are given back.
    pub fn read(&self) -> RwLockReadGuard<'_, Facts> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many people like each product.
    pub fn set_likes(&self, likes: &HashMap<ProductId, u32>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).set_likes(likes);
    }
}

impl Consumer for FactsCopy {
    fn apply(&self, batch: &Batch) {
        let mut facts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        batch.present.iter().for_each(|stored| facts.insert(stored));
        batch.gone.iter().for_each(|id| facts.remove(*id));
    }
}

/// The embeddings that are read now.
#[derive(Debug, Default)]
pub struct VectorsCopy(RwLock<Option<Arc<Vectors>>>);

impl VectorsCopy {
    /// The current generation; `None` before the first load.
    pub fn read(&self) -> Option<Arc<Vectors>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens each new generation in a directory, until `draining`.
    pub async fn follow(self: Arc<Self>, directory: PathBuf, draining: CancellationToken) {
        let looking = async {
            loop {
                let (copy, directory) = (Arc::clone(&self), directory.clone());
                let looked = tokio::task::spawn_blocking(move || copy.look(&directory)).await;
                match looked {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "the embeddings stay as they are"),
                    Err(error) => tracing::error!(%error, "the embeddings stay as they are"),
                }
                sleep(PAUSE).await;
            }
        };
        draining.run_until_cancelled(looking).await.unwrap_or(());
    }

    fn look(&self, directory: &std::path::Path) -> Result<(), crate::embeddings::OpenError> {
        let Some(current) = Vectors::current(directory)? else { return Ok(()) };
        if self.read().is_some_and(|vectors| vectors.generation() == current) {
            return Ok(());
        }
        let vectors = Vectors::open(directory, &current)?;
        tracing::info!(generation = current, products = vectors.len(), "new embeddings");
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(vectors));
        Ok(())
    }
}
