//! People: nicknames, profiles.

mod nickname;

pub(crate) use self::nickname::Nickname;
