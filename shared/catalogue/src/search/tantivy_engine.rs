//! The embedded engine: Tantivy, in memory or in a directory of its own.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tantivy::collector::{Count, TopDocs};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::IndexWriterOptions;
use tantivy::query::Query;
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value,
};
use tantivy::tokenizer::{
    LowerCaser, PreTokenizedString, RawTokenizer, TextAnalyzer, Token as IndexToken,
};
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, SegmentReader, TantivyDocument,
    TantivyError, Term,
};

use super::analyser::{Token, index_tokens, initial_tokens, key_tokens, query_words};
use super::collect::FacetCollector;
use super::cursor::Place;
use super::document::Document;
use super::engine::{Engine, EngineError, Hit, Page, Request};
use super::query::meaningful_words;
use super::tantivy_query::{Asked, Strictness, build};
use crate::hangul::latin_of_hangul;
use crate::product::changes::{Subject, SubjectKind};

/// Name of the tokenizer for values of filters.
const FOLDED: &str = "folded";
/// Memory of the index writer.
const WRITER_BYTES: usize = 30 << 20;
/// What a thing of the preferred season gains, of its score.
const PREFERRED: f32 = 0.1;
/// What likes gain: at ten times as many, the same again.
const LIKED: f32 = 0.05;

/// The fields of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Kind and id: one document each.
    pub(super) key: Field,
    pub(super) what: Field,
    pub(super) order: Field,
    pub(super) brand: Field,
    pub(super) name: Field,
    pub(super) labels: Field,
    pub(super) body: Field,
    pub(super) initials: Field,
    /// The keys of each word of Hangul, of all texts but the body.
    pub(super) keys: Field,
    pub(super) season: Field,
    pub(super) sex: Field,
    pub(super) kind: Field,
    pub(super) brand_key: Field,
    pub(super) color: Field,
    pub(super) price: Field,
    pub(super) likes: Field,
}

/// The embedded engine.
pub struct TantivyEngine {
    fields: Fields,
    reader: IndexReader,
    writer: Mutex<Writer>,
}

struct Writer {
    inner: IndexWriter,
    has_changes: bool,
}

impl std::fmt::Debug for TantivyEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let documents = self.reader.searcher().num_docs();
        f.debug_struct("TantivyEngine").field("documents", &documents).finish_non_exhaustive()
    }
}

impl From<TantivyError> for EngineError {
    fn from(error: TantivyError) -> Self {
        Self(error.into())
    }
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    // Texts come as tokens; the name of the tokenizer means nothing.
    let indexing =
        TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let text = TextOptions::default().set_indexing_options(indexing);
    let text = |name: &str, schema: &mut tantivy::schema::SchemaBuilder| {
        schema.add_text_field(name, text.clone())
    };
    // Values of filters are compared without regard to case, and told as they are.
    let indexing = TextFieldIndexing::default().set_tokenizer(FOLDED).set_fieldnorms(false);
    let filter = TextOptions::default().set_indexing_options(indexing).set_fast("raw");
    let fields = Fields {
        key: schema.add_text_field("key", STRING | STORED),
        what: schema.add_text_field("what", STRING),
        order: schema.add_u64_field("order", FAST | STORED),
        brand: text("brand", &mut schema),
        name: text("name", &mut schema),
        labels: text("labels", &mut schema),
        body: text("body", &mut schema),
        initials: text("initials", &mut schema),
        keys: text("keys", &mut schema),
        season: schema.add_text_field("season", STRING | FAST),
        sex: schema.add_text_field("sex", STRING | FAST),
        kind: schema.add_text_field("kind", filter.clone()),
        brand_key: schema.add_text_field("brand_key", filter.clone()),
        color: schema.add_text_field("color", filter),
        price: schema.add_u64_field("price", FAST),
        likes: schema.add_u64_field("likes", FAST),
    };
    (schema.build(), fields)
}

impl TantivyEngine {
    /// An index in memory.
    pub fn in_memory() -> Result<Self, EngineError> {
        let (schema, fields) = schema();
        Self::new(&Index::create_in_ram(schema), fields)
    }

    /// An index in a folder of its own in this directory. What is there is found until the first commit replaces it; what
    /// cannot be used is deleted.
    pub fn in_directory(directory: &Path) -> Result<Self, EngineError> {
        let (schema, fields) = schema();
        // Nothing but what was made here is ever deleted.
        let directory = directory.join("search-index");
        let open = || -> Result<Index, EngineError> {
            fs::create_dir_all(&directory).map_err(|error| EngineError(error.into()))?;
            let opened =
                MmapDirectory::open(&directory).map_err(|error| EngineError(error.into()))?;
            Ok(Index::open_or_create(opened, schema.clone())?)
        };
        let index = open().or_else(|error| {
            tracing::warn!(%error, "the search index cannot be used: it is built anew");
            fs::remove_dir_all(&directory).map_err(|error| EngineError(error.into()))?;
            open()
        })?;
        Self::new(&index, fields)
    }

    fn new(index: &Index, fields: Fields) -> Result<Self, EngineError> {
        let folded = TextAnalyzer::builder(RawTokenizer::default()).filter(LowerCaser).build();
        index.tokenizers().register(FOLDED, folded);
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .memory_budget_per_thread(WRITER_BYTES)
            .num_merge_threads(1)
            .build();
        let inner: IndexWriter = index.writer_with_options(options)?;
        // Whoever writes begins with everything there is.
        inner.delete_all_documents()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let writer = Mutex::new(Writer { inner, has_changes: true });
        Ok(Self { fields, reader, writer })
    }

    fn document(&self, document: &Document) -> TantivyDocument {
        let Fields { key, what, order, brand, name, labels, body, initials, keys, .. } =
            self.fields;
        let mut indexed = TantivyDocument::new();
        indexed.add_text(key, key_of(&document.subject));
        indexed.add_text(what, document.subject.kind.as_str());
        indexed.add_u64(order, document.order);
        indexed.add_u64(self.fields.likes, u64::from(document.likes));
        let texts = [(brand, &document.brand), (name, &document.name), (body, &document.body)];
        for (field, text) in texts {
            indexed.add_pre_tokenized_text(field, tokens(index_tokens(text)));
        }
        let label_text = document.labels.join(", ");
        indexed.add_pre_tokenized_text(labels, tokens(index_tokens(&label_text)));
        for text in [&document.brand, &document.name, &label_text] {
            indexed.add_pre_tokenized_text(initials, tokens(initial_tokens(text)));
            indexed.add_pre_tokenized_text(keys, tokens(key_tokens(text)));
        }
        for season in &document.seasons {
            indexed.add_text(self.fields.season, season.as_str());
        }
        let words = [
            (self.fields.sex, document.sex.map(|sex| sex.as_str().to_owned())),
            (self.fields.kind, document.kind.clone()),
            (self.fields.color, document.color.clone()),
            (self.fields.brand_key, Some(document.brand.clone()).filter(|brand| !brand.is_empty())),
        ];
        for (field, word) in words {
            if let Some(word) = word {
                indexed.add_text(field, word);
            }
        }
        if let Some(price) = document.price {
            indexed.add_u64(self.fields.price, u64::from(price));
        }
        indexed
    }

    fn run(
        &self,
        searcher: &Searcher,
        query: &dyn Query,
        request: &Request,
        is_loose: bool,
    ) -> Result<Page, EngineError> {
        let after = request.after.map(|place| (place.score, u64::MAX - place.order));
        let preferred = request.preferred.map(|season| season.as_str().to_owned());
        let score = move |segment: &SegmentReader| {
            let columns = segment.fast_fields();
            let order = columns.u64("order").ok().map(|column| column.first_or_default_col(0));
            let likes = columns.u64("likes").ok().map(|column| column.first_or_default_col(0));
            let seasons = columns.str("season").ok().flatten();
            let wanted = preferred.as_ref().zip(seasons.as_ref()).and_then(|(season, column)| {
                column.dictionary().term_ord(season.as_bytes()).ok().flatten()
            });
            move |document, score: f32| {
                let suits = seasons.as_ref().zip(wanted).is_some_and(|(column, wanted)| {
                    column.ords().values_for_doc(document).any(|ord| ord == wanted)
                });
                let likes = likes.as_ref().map_or(0, |column| column.get_val(document));
                #[expect(clippy::cast_precision_loss, reason = "a logarithm needs no more")]
                let liked = LIKED * (1.0 + likes as f32).log10();
                let score = score * (1.0 + liked + if suits { PREFERRED } else { 0.0 });
                let order = order.as_ref().map_or(0, |column| column.get_val(document));
                let key = (score, u64::MAX - order);
                // What was shown already comes last, and is cut off.
                if after.is_none_or(|after| key < after) { key } else { (f32::NEG_INFINITY, 0) }
            }
        };
        let top = TopDocs::with_limit(request.most.max(1)).tweak_score(score);
        let (found, total, facets) = if request.wants_facets {
            let (found, total, facets) = searcher.search(query, &(top, Count, FacetCollector))?;
            (found, total, Some(facets))
        } else {
            let (found, total) = searcher.search(query, &(top, Count))?;
            (found, total, None)
        };
        let mut hits = Vec::with_capacity(found.len());
        for ((score, order), address) in found.into_iter().take(request.most) {
            if score.is_finite() {
                let document: TantivyDocument = searcher.doc(address)?;
                let key = document.get_first(self.fields.key);
                let subject = key.and_then(|key| key.as_str()).and_then(subject_of);
                let place = Place { score, order: u64::MAX - order, is_loose };
                hits.extend(subject.map(|subject| Hit { subject, place }));
            }
        }
        Ok(Page { hits, total, is_loose, facets })
    }
}

impl Engine for TantivyEngine {
    fn search(&self, request: &Request) -> Result<Page, EngineError> {
        let words = meaningful_words(&request.text);
        let searcher = self.reader.searcher();
        let asked = Asked { fields: &self.fields, searcher: &searcher, request };
        let goes_on_loose = request.after.is_some_and(|place| place.is_loose);
        if !goes_on_loose && !words.is_empty() {
            let query = build(&asked, &words, Strictness::All);
            let page = self.run(&searcher, query.as_ref(), request, false)?;
            if page.total > 0 || request.after.is_some() {
                return Ok(page);
            }
        }
        // Written with the keyboard in the other mode: letters of Hangul that make no syllables.
        let latin = latin_of_hangul(&request.text).map(|text| query_words(&text));
        let tries = [
            (latin.unwrap_or_default(), Strictness::All),
            (words.clone(), Strictness::Slips),
            (words, Strictness::Some),
        ];
        let mut last = Page::default();
        for (words, strictness) in tries.iter().filter(|(words, _)| !words.is_empty()) {
            let query = build(&asked, words, *strictness);
            last = self.run(&searcher, query.as_ref(), request, true)?;
            if last.total > 0 {
                break;
            }
        }
        Ok(last)
    }

    fn write(&self, documents: &[Document], gone: &[Subject]) -> Result<(), EngineError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in documents.iter().map(|document| &document.subject).chain(gone) {
            writer.inner.delete_term(Term::from_field_text(self.fields.key, &key_of(subject)));
        }
        for document in documents {
            writer.inner.add_document(self.document(document))?;
        }
        writer.has_changes |= !documents.is_empty() || !gone.is_empty();
        Ok(())
    }

    fn commit(&self) -> Result<(), EngineError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.has_changes {
            writer.inner.commit()?;
            writer.has_changes = false;
            self.reader.reload()?;
        }
        Ok(())
    }
}

fn key_of(subject: &Subject) -> String {
    format!("{}:{}", subject.kind.as_str(), subject.id)
}

fn subject_of(key: &str) -> Option<Subject> {
    let (kind, id) = key.split_once(':')?;
    let kind = SubjectKind::ALL.into_iter().find(|one| one.as_str() == kind)?;
    Some(Subject::new(kind, id))
}

/// Tokens as the engine takes them. Offsets into a text are not used.
fn tokens(tokens: Vec<Token>) -> PreTokenizedString {
    let token = |token: Token| IndexToken {
        offset_from: 0,
        offset_to: 0,
        position: token.position,
        text: token.text,
        position_length: 1,
    };
    PreTokenizedString { text: String::new(), tokens: tokens.into_iter().map(token).collect() }
}
