//! The state of the catalogue.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_catalogue::config::CatalogueConfig;
use toneup_catalogue::live::{Again, Consumer, FactsCopy, Follower, VectorsCopy};
use toneup_catalogue::product::ProductId;
use toneup_catalogue::product::changes::SubjectKind;
use toneup_catalogue::recommend::Recommender;
use toneup_catalogue::search::{Commits, Engine, Indexer, TantivyEngine, Writer};
use toneup_catalogue::suggest::Suggestions;
use toneup_platform::database::{Database, bounded};
use toneup_platform::shutdown::Shutdown;

use super::likes::Likes;
use crate::features::posts::{PostIndexer, PublicPosts};
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
    products: watch::Receiver<bool>,
    /// True once all posts have been.
    posts: watch::Receiver<bool>,
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
        let commits = Arc::new(Commits::new(Arc::clone(&copies.engine), 2));
        let indexer = Arc::new(Indexer::new(Arc::clone(&commits)));
        let consumers: Vec<Arc<dyn Consumer>> = vec![
            Arc::clone(&copies.facts) as _,
            Arc::clone(&indexer) as _,
            // Last: they are built anew.
            Arc::clone(&copies.suggestions) as _,
        ];
        let (follower, products) = Follower::new(pool.clone(), consumers);
        let again = follower.again();
        shutdown.tasks.spawn(follower.run(shutdown.draining.clone()));
        let writer = PostIndexer(Writer::new(commits, SubjectKind::Post));
        let (follower, posts) = Follower::<PublicPosts>::new(pool.clone(), vec![Arc::new(writer)]);
        shutdown.tasks.spawn(follower.run(shutdown.draining.clone()));
        if let Some(directory) = config.embeddings_dir {
            let vectors = Arc::clone(&copies.vectors);
            shutdown.tasks.spawn(vectors.follow(directory, shutdown.draining.clone()));
        }
        let counted = Counted { facts: Arc::clone(&copies.facts), indexer, again };
        shutdown.tasks.spawn(count_likes(likes.clone(), counted, shutdown.draining.clone()));
        let cores = available_parallelism().map_or(1, usize::from);
        let permits = Arc::new(Semaphore::new(cores));
        Ok(Self { pool, likes, copies: Arc::new(copies), products, posts, permits })
    }

    /// Searches the index, once it has everything: it is committed with products and posts together.
    pub(super) async fn search<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Engine) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        until_complete(&self.posts).await?;
        self.compute(move |copies| work(&*copies.engine)).await
    }

    /// Computes something from the copies of products, on a thread that may block; one computation a core at a time.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Copies) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        until_complete(&self.products).await?;
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

async fn until_complete(is_complete: &watch::Receiver<bool>) -> Result<(), ApiError> {
    let mut is_complete = is_complete.clone();
    let complete = timeout(PATIENCE, is_complete.wait_for(|is_complete| *is_complete)).await;
    if matches!(complete, Ok(Ok(_))) {
        return Ok(());
    }
    Err(ApiError::Unavailable(anyhow!("what is searched has not been read yet")))
}

/// What the counts of likes go to.
struct Counted {
    facts: Arc<FactsCopy>,
    indexer: Arc<Indexer>,
    /// Products that the index is to have again, with their likes.
    again: Again,
}

impl Counted {
    /// Waits for whoever reads the facts.
    fn set(&self, counts: &HashMap<ProductId, u32>) {
        self.facts.set_likes(counts);
        self.again.extend(self.indexer.set_likes(counts));
    }
}

/// Counts likes now and then, until `draining`.
async fn count_likes(likes: Likes, counted: Counted, draining: CancellationToken) {
    let counted = Arc::new(counted);
    let counting = async {
        loop {
            match bounded(likes.counts()).await {
                Ok(counts) => {
                    let counted = Arc::clone(&counted);
                    drop(spawn_blocking(move || counted.set(&counts)).await);
                }
                Err(error) => tracing::warn!(%error, "cannot count the likes of products"),
            }
            sleep(COUNTING).await;
        }
    };
    draining.run_until_cancelled(counting).await.unwrap_or(());
}
