//! The catalogue: products and their import, embeddings, search, suggestions and recommendations.

pub mod config;
pub mod embeddings;
pub mod generate;
pub mod import;
pub mod product;
