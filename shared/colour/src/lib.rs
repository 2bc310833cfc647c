//! Personal colour: the analysis as a kind of job, its results, its photos, and the consequences of its end.

pub mod analysis;
pub mod capacity;
pub mod config;
pub mod erasure;
pub mod kinds;
pub mod personal_colours;
pub mod photo;
pub mod photo_answers;
pub mod photo_deletion;
mod photo_formats;
pub mod prune;
pub mod result;
