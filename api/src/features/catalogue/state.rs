//! The state of the catalogue.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_catalogue::config::CatalogueConfig;
use toneup_catalogue::live::{Consumer, FactsCopy, Follower, VectorsCopy};
use toneup_catalogue::recommend::Recommender;
use toneup_catalogue::search::{Engine, Indexer, TantivyEngine};
use toneup_catalogue::suggest::Suggestions;
use toneup_platform::database::{Database, bounded};
use toneup_platform::shutdown::Shutdown;

use super::likes::Likes;
use crate::http::problem::ApiError;

/// Longest wait for the first reading of the catalogue, and for a thread.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two counts of likes.
const COUNTING: Duration = Duration::from_mins(1);

/// The part of the application's state that the catalogue uses. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CatalogueState {
    pub(crate) pool: Database,
    pub(super) likes: Likes,
    pub(super) copies: Arc<Copies>,
    /// True once all products have been read.
    is_complete: watch::Receiver<bool>,
    /// As many as there are cores: what is computed waits for one.
    permits: Arc<Semaphore>,
}

/// What is kept of the catalogue in memory.
#[derive(Debug)]
pub(super) struct Copies {
    pub(super) facts: Arc<FactsCopy>,
    pub(super) vectors: Arc<VectorsCopy>,
    pub(super) recommender: Recommender,
    pub(super) suggestions: Arc<Suggestions>,
    pub(super) engine: Arc<dyn Engine>,
}

impl CatalogueState {
    /// Begins to follow the catalogue on `shutdown`. Fails if the search index cannot be written.
    pub(crate) fn start(
        config: CatalogueConfig,
        pool: Database,
        likes: Likes,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let engine = match &config.search_index_dir {
            Some(directory) => TantivyEngine::in_directory(directory)?,
            None => TantivyEngine::in_memory()?,
        };
        let copies = Copies {
            facts: Arc::default(),
            vectors: Arc::default(),
            recommender: Recommender::default(),
            suggestions: Arc::default(),
            engine: Arc::new(engine),
        };
        let consumers: Vec<Arc<dyn Consumer>> = vec![
            Arc::clone(&copies.facts) as _,
            Arc::clone(&copies.suggestions) as _,
            Arc::new(Indexer::new(Arc::clone(&copies.engine))),
        ];
        let (follower, is_complete) = Follower::new(pool.clone(), consumers);
        shutdown.tasks.spawn(follower.run(shutdown.draining.clone()));
        if let Some(directory) = config.embeddings_dir {
            let vectors = Arc::clone(&copies.vectors);
            shutdown.tasks.spawn(vectors.follow(directory, shutdown.draining.clone()));
        }
        let facts = Arc::clone(&copies.facts);
        shutdown.tasks.spawn(count_likes(likes.clone(), facts, shutdown.draining.clone()));
        let cores = available_parallelism().map_or(1, usize::from);
        let permits = Arc::new(Semaphore::new(cores));
        Ok(Self { pool, likes, copies: Arc::new(copies), is_complete, permits })
    }

    /// Computes something from the copies, on a thread that may block; one computation a core at a time.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Copies) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let mut is_complete = self.is_complete.clone();
        let complete = timeout(PATIENCE, is_complete.wait_for(|is_complete| *is_complete)).await;
        if !matches!(complete, Ok(Ok(_))) {
            return Err(ApiError::Unavailable(anyhow!("the catalogue has not been read yet")));
        }
        drop(complete);
        let permit = timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(ApiError::Unavailable(anyhow!("no core is free")));
        };
        let copies = Arc::clone(&self.copies);
        let computed = spawn_blocking(move || {
            let _permit = permit;
            work(&copies)
        });
        computed.await.map_err(|error| ApiError::Internal(error.into()))
    }
}

/// Counts likes now and then, until `draining`.
async fn count_likes(likes: Likes, facts: Arc<FactsCopy>, draining: CancellationToken) {
    let counting = async {
        loop {
            match bounded(likes.counts()).await {
                Ok(counts) => {
                    // Waits for whoever reads the facts.
                    let facts = Arc::clone(&facts);
                    drop(spawn_blocking(move || facts.set_likes(&counts)).await);
                }
                Err(error) => tracing::warn!(%error, "cannot count the likes of products"),
            }
            sleep(COUNTING).await;
        }
    };
    draining.run_until_cancelled(counting).await.unwrap_or(());
}
