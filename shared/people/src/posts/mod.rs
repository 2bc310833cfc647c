//! Posts and diary entries, as far as more than one program changes them: when they are shown, and how they are erased.

pub mod erase;
mod searched;
mod shown;

pub use self::searched::note_changed;
pub use self::shown::{LockedPost, change_state, lock, lock_of_pictures, lock_own, settle};

/// The people to whom a post is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody: a post in the feed.
    Public,
    /// Its author: an entry of the diary.
    Own,
}

impl Visibility {
    /// The word used in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Own => "self",
        }
    }
}

/// State of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostState {
    /// Some of its pictures are being made; its author alone sees it.
    Processing,
    /// It is shown.
    Ready,
    /// A picture was refused; its author alone sees it.
    Failed,
    /// It exists for nobody.
    Deleted,
}

impl PostState {
    /// The word used in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }

    /// The state that follows from the states of a post's pictures (`pending`, `ready` or another).
    pub fn of_pictures<'a>(states: impl IntoIterator<Item = &'a str>) -> Self {
        let mut state = Self::Ready;
        for picture in states {
            match picture {
                "ready" => {}
                "pending" => state = Self::Processing,
                _ => return Self::Failed,
            }
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_ready_when_all_its_pictures_are_and_fails_with_the_first_that_is_refused() {
        for (states, expected) in [
            (&["ready", "ready"][..], PostState::Ready),
            (&["ready", "pending"], PostState::Processing),
            (&["pending", "refused"], PostState::Failed),
            (&["refused", "pending"], PostState::Failed),
            (&["deleted"], PostState::Failed),
        ] {
            assert_eq!(PostState::of_pictures(states.iter().copied()), expected, "{states:?}");
        }
    }
}
