//! Search over products, and over other things that are documents: an analyser of our own, and engines behind one trait.

mod analyser;
mod collect;
mod cursor;
mod document;
mod engine;
mod highlight;
mod indexer;
mod query;
mod synonyms;
mod tantivy_engine;
mod tantivy_query;

pub use self::analyser::{Token, Word, WordKind, index_tokens, query_words};
pub use self::cursor::Place;
pub use self::document::Document;
pub use self::engine::{Engine, EngineError, Facet, Facets, Hit, Page, Request};
pub use self::highlight::{Segment, highlight};
pub use self::indexer::{Commits, Indexer, Writer};
pub use self::tantivy_engine::TantivyEngine;
