//! Dimensions of embeddings.

/// Dimensions of each half.
pub const HALF: usize = 512;
/// Dimensions of an embedding.
pub const DIMENSIONS: usize = 2 * HALF;
