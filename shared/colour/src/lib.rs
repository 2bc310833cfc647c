//! Personal colour: the analysis as a kind of job, its results, its photos, and what belongs to its end.

pub mod analysis;
pub mod capacity;
pub mod config;
pub mod erasure;
pub mod kinds;
pub mod photo;
pub mod photo_answers;
pub mod photo_deletion;
pub mod result;
