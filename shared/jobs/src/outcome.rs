//! Outcomes of a job's attempts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::document::Document;
use crate::job::Status;

/// Error of a failed job. `code` is public API: clients branch on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// Stable, machine-readable code.
    pub code: String,
    /// Message for the user.
    pub message: String,
    /// True if the same request may succeed later.
    pub retryable: bool,
}

impl JobError {
    /// Most characters of `code` and `message` that are stored.
    const LIMITS: (usize, usize) = (64, 500);

    /// Creates an error that a retry cannot fix.
    pub fn permanent(code: &str, message: &str) -> Self {
        Self::new(code, message, false)
    }

    /// Creates an error that may not occur if the same request is submitted again later.
    pub fn retryable(code: &str, message: &str) -> Self {
        Self::new(code, message, true)
    }

    fn new(code: &str, message: &str, retryable: bool) -> Self {
        let (code_limit, message_limit) = Self::LIMITS;
        let is_code = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        Self {
            code: code.chars().filter(is_code).take(code_limit).collect(),
            message: message.chars().take(message_limit).collect(),
            retryable,
        }
    }

    /// Creates the error of a job that ran out of attempts without an error of its own.
    pub fn exhausted() -> Self {
        Self::retryable(
            "ATTEMPTS_EXHAUSTED",
            "The job could not be completed in several attempts. Please try again later.",
        )
    }
}

/// Terminal outcome of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Succeeded with this result.
    Succeeded(Document),
    /// Failed with this error.
    Failed(JobError),
    /// Cancelled by its owner.
    Cancelled,
    /// Not ended before its deadline.
    Expired,
}

impl Outcome {
    /// State that this outcome leads to.
    pub fn status(&self) -> Status {
        match self {
            Self::Succeeded(_) => Status::Succeeded,
            Self::Failed(_) => Status::Failed,
            Self::Cancelled => Status::Cancelled,
            Self::Expired => Status::Expired,
        }
    }

    /// Error that is stored with the job; `None` for a success. `noun` names such a job, as in
    /// [`crate::kind::Kind::noun`].
    pub fn error(&self, noun: &str) -> Option<JobError> {
        match self {
            Self::Succeeded(_) => None,
            Self::Failed(error) => Some(error.clone()),
            Self::Cancelled => {
                Some(JobError::retryable("CANCELLED", &format!("The {noun} was cancelled.")))
            }
            Self::Expired => Some(JobError::retryable(
                "EXPIRED",
                &format!("The deadline passed before the {noun} ended."),
            )),
        }
    }

    /// Value of the metrics' label `code`. `known` bounds the number of values, since handlers may return codes of
    /// their own.
    pub fn metric_code(&self, known: &[&'static str]) -> &'static str {
        match self {
            Self::Succeeded(_) => "OK",
            Self::Failed(error) if error.code == "ATTEMPTS_EXHAUSTED" => "ATTEMPTS_EXHAUSTED",
            Self::Failed(error) => {
                known.iter().find(|code| **code == error.code).copied().unwrap_or("other")
            }
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_know_a_bounded_number_of_codes() {
        let code = |code| Outcome::Failed(JobError::permanent(code, "")).metric_code(&["NO_FACE"]);
        assert_eq!((code("NO_FACE"), code("SOMETHING_NEW")), ("NO_FACE", "other"));
    }

    #[test]
    fn a_code_keeps_only_what_a_code_may_contain() {
        let error = JobError::permanent("NO FACE\"; --", &"x".repeat(900));
        assert_eq!(error.code, "NOFACE");
        assert_eq!(error.message.len(), 500);
    }
}
