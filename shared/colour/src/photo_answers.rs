//! Reuse of answers: a photo with the same bytes gets the earlier result, without a slot, while the model is the same.
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
use toneup_platform::database::{Database, bind_list, bind_pairs, json_rows};
use toneup_platform::identity::UserId;

/// Scope of the reuse of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reuse {
    /// Answers to the same user's photos.
    User,
    /// Answers to all users' photos.
    All,
    /// No reuse: every photo is analysed.
    Off,
}

/// SHA-256 digest of a photo's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PhotoDigest(pub [u8; 32]);

impl PhotoDigest {
    /// Computes the digest of a photo.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Key of a reusable answer: the digest, and the user unless answers are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PhotoKey {
    scope: Uuid,
    digest: PhotoDigest,
}

impl PhotoKey {
    /// Creates the key of a user's photo; `None` if answers are not reused. The load tester's never are, since load
    /// tests are there to load the analyzers.
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

/// Lookup of answers, batching concurrent calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Answers {
    lookups: Batcher<PhotoKey, Option<AnalysisResult>, sqlx::Error>,
    reuse: Reuse,
}

impl Answers {
    /// Starts the task that batches lookups.
    pub fn spawn(pool: Database, reuse: Reuse, tasks: &TaskTracker) -> Self {
        let lookups = Batcher::spawn(Limits::default(), tasks, move |keys: Vec<PhotoKey>| {
            let pool = pool.clone();
            async move {
                let found = pool.batch(async |conn| find_answers(conn, &keys).await).await?;
                Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
            }
        });
        Self { lookups, reuse }
    }

    /// True unless answers are never reused.
    pub fn are_reused(&self) -> bool {
        self.reuse != Reuse::Off
    }

    /// Key of the answer to a user's photo; `None` if answers are not reused.
    pub fn key(&self, user: UserId, digest: PhotoDigest) -> Option<PhotoKey> {
        PhotoKey::new(self.reuse, user, digest)
    }

    /// Finds the answer that one of `models` gave to the same bytes before, marked as reused. A failed lookup finds
    /// nothing, so that the photo is analysed.
    pub async fn find(&self, key: PhotoKey, models: &BTreeSet<Model>) -> Option<AnalysisResult> {
        if models.is_empty() {
            return None;
        }
        match self.lookups.submit(key).await {
            Ok(found) => found.and_then(|answer| answer.again(models)),
            Err(error) => {
                tracing::warn!(%error, "cannot look up an earlier answer");
                None
            }
        }
    }
}

impl AnalysisResult {
    /// Returns the answer, marked as reused, if one of `models` gave it.
    fn again(self, models: &BTreeSet<Model>) -> Option<Self> {
        let current = self.model.as_ref().is_some_and(|model| models.contains(model));
        current.then_some(Self { reused: true, ..self })
    }
}

/// Finds the latest answers to photos.
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

/// Records which analyses have answered which photos, in the caller's transaction; the latest replaces earlier ones.
pub async fn remember(
    conn: &mut MySqlConnection,
    answered: impl IntoIterator<Item = (PhotoKey, JobId)>,
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        scope: Uuid,
        digest: String,
        job: JobId,
    }
    // One order for all writers, so that two batches with the same photos wait for each other instead of deadlocking.
    let answered: BTreeMap<PhotoKey, JobId> = answered.into_iter().collect();
    if answered.is_empty() {
        return Ok(());
    }
    let row = |(key, job): (PhotoKey, JobId)| Row {
        scope: key.scope,
        digest: hex::encode(key.digest.0),
        job,
    };
    let rows: Vec<Row> = answered.into_iter().map(row).collect();
    let insert = sqlx::query!(
        "INSERT INTO photo_answers (scope, sha256, job_id)
         SELECT UNHEX(REPLACE(r.scope, '-', '')), UNHEX(r.digest), UNHEX(REPLACE(r.job, '-', ''))
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             scope CHAR(36) PATH '$.scope', digest CHAR(64) PATH '$.digest',
             job CHAR(36) PATH '$.job')) AS r
         ON DUPLICATE KEY UPDATE job_id = VALUES(job_id)",
        json_rows(&rows)?,
    );
    insert.execute(conn).await.map(drop)
}

/// Forgets the answers of analyses that are deleted; `jobs` must not be empty.
pub(crate) async fn forget_all(
    conn: &mut MySqlConnection,
    jobs: &[JobId],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("DELETE FROM photo_answers WHERE job_id IN ");
    bind_list(&mut query, jobs.iter().copied());
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
