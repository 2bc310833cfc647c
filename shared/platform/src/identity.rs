//! The identity that every table refers to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A user's identity: whoever owns jobs, events and objects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

impl UserId {
    /// The user of load tests; nobody has a token of this user.
    pub const LOAD_TESTER: Self = Self(Uuid::from_u128(1));
}
