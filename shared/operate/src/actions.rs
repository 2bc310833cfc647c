//! Actions of operators: each is recorded in the audit log, then performed. One implementation for the dashboard and
//! the command line.

use std::net::IpAddr;

use sqlx::MySqlConnection;
use toneup_jobs::engine::Engine;
use toneup_jobs::job::JobId;
use toneup_jobs::outcome::Outcome;
use toneup_jobs::store::dead_letters::{self, Replay, replay};
use toneup_jobs::store::finish::{Finish, Guard};
use toneup_jobs::store::read;
use toneup_platform::database::{Database, bounded};

use crate::audit_log::{Action, AuditEntry, record};
use crate::intake::{self, Intake, read_intake};
use crate::replicas::{Registry, ReplicaId};

/// The operator who performs an action.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// Name of the operator.
    pub operator: &'a str,
    /// Address of the operator; `None` for the command line.
    pub address: Option<IpAddr>,
}

impl Actor<'_> {
    async fn record(
        &self,
        conn: &mut MySqlConnection,
        action: Action,
        target: &str,
        detail: Option<&str>,
    ) -> Result<(), sqlx::Error> {
        let (operator, address) = (self.operator, self.address);
        record(conn, &AuditEntry { operator, action, target, detail, address }).await
    }

    async fn record_first(
        &self,
        database: &Database,
        action: Action,
        target: &str,
        detail: Option<&str>,
    ) -> Result<(), sqlx::Error> {
        let writing =
            async { self.record(&mut *database.acquire().await?, action, target, detail).await };
        bounded(writing).await
    }
}

/// Pauses or resumes the workers' intake of jobs.
pub async fn set_intake(
    database: &Database,
    actor: Actor<'_>,
    paused: bool,
) -> Result<Intake, sqlx::Error> {
    let action = if paused { Action::PauseIntake } else { Action::ResumeIntake };
    bounded(database.in_transaction(async |conn| {
        actor.record(conn, action, "workers", None).await?;
        intake::set_intake(conn, paused, actor.operator).await?;
        read_intake(conn).await
    }))
    .await
}

/// Cancels a job that has not ended; `false` if there is no such job.
pub async fn cancel_job(
    engine: &Engine,
    actor: Actor<'_>,
    job: JobId,
) -> Result<bool, sqlx::Error> {
    let database = &engine.database;
    let found = bounded(async { read::find(&mut *database.acquire().await?, job).await }).await?;
    let Some(found) = found else { return Ok(false) };
    let Some(kind) = engine.kinds.get(&found.kind) else { return Ok(false) };
    actor.record_first(database, Action::CancelJob, &job.0.to_string(), None).await?;
    let (guard, outcome, note) = (Guard::Active, Outcome::Cancelled, None);
    let finish = Finish { job, kind: kind.name, user: found.user, guard, outcome, note };
    bounded(engine.finish(&[finish])).await?;
    Ok(true)
}

/// Requeues a failed job, with all its attempts.
pub async fn retry_job(
    database: &Database,
    actor: Actor<'_>,
    job: JobId,
) -> Result<Replay, sqlx::Error> {
    actor.record_first(database, Action::RetryJob, &job.0.to_string(), None).await?;
    bounded(replay(database, job)).await
}

/// Outcome of the replay of one dead letter.
#[derive(Debug, Clone, Copy)]
pub struct ReplayedLetter {
    /// Identifier of the dead letter.
    pub number: u64,
    /// Job of the dead letter; `None` if it names none.
    pub job: Option<JobId>,
    /// Outcome of the job's replay; `None` if the letter names no job, or does not exist.
    pub outcome: Option<Replay>,
}

/// Requeues the jobs of dead letters, with all their attempts.
pub async fn replay_letters(
    database: &Database,
    actor: Actor<'_>,
    numbers: &[u64],
) -> Result<Vec<ReplayedLetter>, sqlx::Error> {
    record_letters(database, actor, Action::ReplayDeadLetters, numbers).await?;
    let mut replayed = Vec::with_capacity(numbers.len());
    for &number in numbers {
        let finding = async { dead_letters::find(&mut *database.acquire().await?, number).await };
        let job = bounded(finding).await?.and_then(|letter| letter.job_id);
        let outcome = match job {
            Some(job) => Some(bounded(replay(database, job)).await?),
            None => None,
        };
        replayed.push(ReplayedLetter { number, job, outcome });
    }
    Ok(replayed)
}

/// Deletes dead letters; their jobs stay as they are. Returns the number of letters.
pub async fn drop_letters(
    database: &Database,
    actor: Actor<'_>,
    numbers: &[u64],
) -> Result<u64, sqlx::Error> {
    record_letters(database, actor, Action::DropDeadLetters, numbers).await?;
    let dropping =
        async { dead_letters::drop_letters(&mut *database.acquire().await?, numbers).await };
    bounded(dropping).await
}

async fn record_letters(
    database: &Database,
    actor: Actor<'_>,
    action: Action,
    numbers: &[u64],
) -> Result<(), sqlx::Error> {
    if numbers.is_empty() {
        return Ok(());
    }
    let listed: Vec<String> = numbers.iter().map(u64::to_string).collect();
    let counted = format!("{} dead letters", numbers.len());
    actor.record_first(database, action, &counted, Some(&listed.join(", "))).await
}

/// Reason why a replica could not be drained.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// The audit log cannot be written.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Redis, which carries the request, is unavailable.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
}

/// Asks a replica to drain, as SIGTERM would; `false` if no replica has this id.
pub async fn drain_replica(
    database: &Database,
    registry: &Registry,
    actor: Actor<'_>,
    id: ReplicaId,
) -> Result<bool, DrainError> {
    actor.record_first(database, Action::DrainReplica, &id.to_string(), None).await?;
    Ok(registry.ask_to_leave(id).await?)
}
