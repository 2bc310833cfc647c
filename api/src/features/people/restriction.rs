//! Restrictions between users: blocking and muting.

/// A way of keeping somebody away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestrictionKind {
    /// Neither follows the other; the other finds no trace of the user.
    Block,
    /// The other's posts and messages are not shown to the user.
    Mute,
}

impl RestrictionKind {
    /// The word used in SQL.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Mute => "mute",
        }
    }
}
