//! A catalogue that could be a Korean shop's, made from a seed: for tests, demonstrations and measurements. Brands are invented,
//! nothing is copied from a shop.

mod embeddings;
mod products;
mod words;

pub use self::embeddings::{embedding, write_embeddings};
pub use self::products::Catalogue;
pub use self::words::{COLOURS, TYPES};
