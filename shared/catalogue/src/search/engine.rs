//! What a search engine does for us. Texts reach it as tokens of our analyser, so that engines find the same.

use std::fmt;

use serde::Serialize;
use toneup_colour::result::PersonalColor;
use utoipa::ToSchema;

use super::cursor::Place;
use super::document::Document;
use crate::live::Filter;
use crate::product::changes::{Subject, SubjectKind};

/// Error: the engine fails.
#[derive(Debug, thiserror::Error)]
#[error("the search engine fails")]
pub struct EngineError(#[source] pub(super) Box<dyn std::error::Error + Send + Sync>);

/// What is searched for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The text.
    pub text: String,
    /// Kinds of things to find; all if there is none.
    pub kinds: Vec<SubjectKind>,
    /// What they must be.
    pub filter: Filter,
    /// A season whose things come a little sooner.
    pub preferred: Option<PersonalColor>,
    /// Things behind this one.
    pub after: Option<Place>,
    /// Number of things.
    pub most: usize,
    /// Count the values of filters among all that is found.
    pub wants_facets: bool,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What it is.
    pub subject: Subject,
    /// Where it is in the list.
    pub place: Place,
}

/// How often a value of a filter occurs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// How many of the things that were found have it.
    pub count: u64,
}

/// Values of filters, the most frequent first, 20 at most of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facets {
    /// Seasons.
    pub season: Vec<Facet>,
    /// Whom things are made for.
    pub sex: Vec<Facet>,
    /// Types.
    pub r#type: Vec<Facet>,
    /// Brands.
    pub brand: Vec<Facet>,
    /// Colours.
    pub color: Vec<Facet>,
}

/// A page of what was found.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The best first.
    pub hits: Vec<Hit>,
    /// How much was found in all.
    pub total: usize,
    /// True if some of it may be what was meant, and none is what was typed.
    pub is_loose: bool,
    /// Counts, where they were asked for.
    pub facets: Option<Facets>,
}

/// A search engine. Its methods block.
pub trait Engine: fmt::Debug + Send + Sync {
    /// Searches.
    fn search(&self, request: &Request) -> Result<Page, EngineError>;

    /// Inserts or replaces documents, and removes others. Found after the next [`Engine::commit`].
    fn write(&self, documents: &[Document], gone: &[Subject]) -> Result<(), EngineError>;

    /// Makes what was written visible.
    fn commit(&self) -> Result<(), EngineError>;
}
