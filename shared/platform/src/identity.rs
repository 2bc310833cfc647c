//! Identity of users, which every table refers to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Identifier of a user, the owner of jobs, events and objects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

impl UserId {
    /// User of the load tests; no token names this user.
    pub const LOAD_TESTER: Self = Self(Uuid::from_u128(1));
}
