//! The same photo, the same answer: bytes that the present model has seen before need no slot again.
//!
//! An answer is used again while the model that gave it (`model` of the result) is one of those that the analyzers name
//! now; an answer that names no model never is. Refusals are not remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::result::{AnalysisResult, Model};
use toneup_jobs::job::JobId;
use toneup_platform::batch::{Batcher, Limits};
use toneup_platform::database::{Database, bind_pairs};
use toneup_platform::identity::UserId;

/// Whose earlier answers a photo may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reuse {
    /// Those to the same user's photos.
    User,
    /// Those to everybody's.
    All,
    /// None: every photo is looked at.
    Off,
}

/// The SHA-256 of a photo's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PhotoDigest(pub [u8; 32]);

impl PhotoDigest {
    /// Digests a photo.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Where the answer to a photo is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PhotoKey {
    scope: Uuid,
    digest: PhotoDigest,
}

impl PhotoKey {
    /// The place for a user's photo; `None` where nothing is used again. Load tests are there to load the analyzers.
    pub fn new(reuse: Reuse, user: UserId, digest: PhotoDigest) -> Option<Self> {
        let scope = match reuse {
            _ if user == UserId::LOAD_TESTER => return None,
            Reuse::User => user.0,
            Reuse::All => Uuid::nil(),
            Reuse::Off => return None,
        };
        Some(Self { scope, digest })
    }
}

/// Finds answers, those asked for together in one round trip. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Answers {
    lookups: Batcher<PhotoKey, Option<AnalysisResult>, sqlx::Error>,
    reuse: Reuse,
}

impl Answers {
    /// Starts the task that gathers lookups.
    pub fn spawn(pool: Database, reuse: Reuse, tasks: &TaskTracker) -> Self {
        let lookups = Batcher::spawn(Limits::default(), tasks, move |keys: Vec<PhotoKey>| {
            let pool = pool.clone();
            async move {
                let found = find_answers(&mut *pool.acquire().await?, &keys).await?;
                Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
            }
        });
        Self { lookups, reuse }
    }

    /// Where the answer to a user's photo is kept.
    pub fn key(&self, user: UserId, digest: PhotoDigest) -> Option<PhotoKey> {
        PhotoKey::new(self.reuse, user, digest)
    }

    /// The answer that one of `models` gave to the same bytes before, marked as such. A lookup that fails finds nothing: the
    /// photo is then looked at.
    pub async fn find(&self, key: PhotoKey, models: &BTreeSet<Model>) -> Option<AnalysisResult> {
        if models.is_empty() {
            return None;
        }
        match self.lookups.submit(key).await {
            Ok(found) => found.and_then(|answer| answer.again(models)),
            Err(error) => {
                tracing::warn!(%error, "cannot look for an earlier answer");
                None
            }
        }
    }
}

impl AnalysisResult {
    /// The same answer to the same photo, if one of `models` gave it.
    fn again(self, models: &BTreeSet<Model>) -> Option<Self> {
        let current = self.model.as_ref().is_some_and(|model| models.contains(model));
        current.then_some(Self { reused: true, ..self })
    }
}

/// Finds what photos were answered last.
pub async fn find_answers(
    conn: &mut MySqlConnection,
    keys: &[PhotoKey],
) -> Result<HashMap<PhotoKey, AnalysisResult>, sqlx::Error> {
    #[derive(FromRow)]
    struct Row {
        scope: Uuid,
        sha256: Vec<u8>,
        result: Option<Json<AnalysisResult>>,
    }
    let mut query = QueryBuilder::new(
        "SELECT p.scope, p.sha256, o.result
         FROM photo_answers p JOIN job_outcomes o ON o.job_id = p.job_id WHERE ",
    );
    let pairs = keys.iter().map(|key| (key.scope, key.digest.0.to_vec()));
    bind_pairs(&mut query, ("p.scope", "p.sha256"), pairs);
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    let found = rows.into_iter().filter_map(|Row { scope, sha256, result }| {
        let digest = PhotoDigest(sha256.try_into().ok()?);
        Some((PhotoKey { scope, digest }, result?.0))
    });
    Ok(found.collect())
}

/// Remembers which analyses have answered which photos, in the caller's transaction; the last one counts.
pub async fn remember(
    conn: &mut MySqlConnection,
    answered: impl IntoIterator<Item = (PhotoKey, JobId)>,
) -> Result<(), sqlx::Error> {
    // One order for all writers, so that two batches with the same photos wait for each other instead of deadlocking.
    let answered: BTreeMap<PhotoKey, JobId> = answered.into_iter().collect();
    if answered.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("INSERT INTO photo_answers (scope, sha256, job_id) ");
    query.push_values(answered, |mut row, (key, job)| {
        row.push_bind(key.scope).push_bind(key.digest.0.to_vec()).push_bind(job);
    });
    query.push(" ON DUPLICATE KEY UPDATE job_id = VALUES(job_id)");
    query.build().execute(conn).await.map(drop)
}

/// Forgets the answer of an analysis that is deleted.
pub(crate) async fn forget(conn: &mut MySqlConnection, job: JobId) -> Result<(), sqlx::Error> {
    let forgotten = sqlx::query!("DELETE FROM photo_answers WHERE job_id = ?", job);
    forgotten.execute(conn).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::PersonalColor;

    fn model(version: &str) -> Model {
        Model { name: "rules".to_owned(), version: version.to_owned() }
    }

    #[test]
    fn an_answer_counts_while_its_model_is_one_of_the_present_ones() {
        let answer = AnalysisResult {
            model: Some(model("1")),
            ..AnalysisResult::bare(PersonalColor::Spring)
        };
        let again = answer.clone().again(&BTreeSet::from([model("1"), model("2")])).unwrap();
        assert!(again.reused && again.model == answer.model);
        assert_eq!(answer.again(&BTreeSet::from([model("2")])), None);
    }

    #[test]
    fn an_answer_without_a_model_never_counts() {
        let bare = AnalysisResult::bare(PersonalColor::Spring);
        assert_eq!(bare.again(&BTreeSet::from([model("1")])), None);
    }

    #[test]
    fn the_scope_follows_the_setting() {
        let (alice, bob) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
        let digest = PhotoDigest::of(b"photo");
        let key = |reuse, user| PhotoKey::new(reuse, user, digest);
        assert_ne!(key(Reuse::User, alice), key(Reuse::User, bob));
        assert_eq!(key(Reuse::All, alice), key(Reuse::All, bob));
        assert_eq!(key(Reuse::Off, alice), None);
        assert_eq!(key(Reuse::All, UserId::LOAD_TESTER), None);
    }
}
