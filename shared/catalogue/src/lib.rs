//! The catalogue: products and their import, embeddings, search, suggestions and recommendations.

pub mod config;
pub mod embeddings;
pub mod generate;
pub mod hangul;
pub mod import;
pub mod live;
pub mod product;
pub mod recommend;
pub mod search;
pub mod suggest;
