//! People: nicknames, profiles.

mod creation;
