//! Embeddings of products: a file of them is streamed into flat files that can be scanned, a generation at a time.
//!
//! An embedding is two vectors of length 1 and 512 dimensions: of the product's picture, and of a text about it (CLIP
//! ViT-B/32). They are stored in half precision, and as 8-bit integers with a scale for each half.

mod checkpoint;
mod dimensions;
mod files;
mod input;
mod load;
mod parser;
mod quantize;
mod splitter;
mod vectors;

pub use self::dimensions::{DIMENSIONS, HALF};
pub use self::input::{Anywhere, Input};
pub use self::load::{LoadError, Loaded, Loader, OnError, Progress};
pub use self::parser::RecordFault;
pub use self::splitter::{SplitError, Splitter};
pub use self::vectors::{Neighbour, OpenError, Query, Vectors};
