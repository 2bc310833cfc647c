//! Queries of the embedded engine.

use std::ops::Bound;

use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur,
    PhraseQuery, Query, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::analyser::{WHOLE, Word, WordKind, bigrams};
use super::engine::Request;
use super::query::{Variant, joined, lone_stem, parts, variants};
use super::tantivy_engine::Fields;
use crate::hangul::keys;
use crate::live::Filter;
use crate::product::Sex;

type Boxed = Box<dyn Query>;

/// What the other ways in which a word matches add to the best one.
const TIE: f32 = 0.1;
/// Letters from which a word may have a slip.
const FUZZY: usize = 4;

/// Keys from which a word of Hangul may have a slip.
const FUZZY_KEYS: usize = 5;
/// Syllables from which a word may be several.
const COMPOUND: usize = 4;
/// What words count that a compound is made of, beside the compound.
const PARTS: f32 = 0.7;

/// How much of a query must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Every word.
    All,
    /// Every word, each with one slip in its keys.
    Slips,
    /// Half of the words, and of a word half of its bigrams.
    Some,
}

/// What is asked of an index.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) fields: &'a Fields,
    pub(super) searcher: &'a Searcher,
    pub(super) request: &'a Request,
}

impl Asked<'_> {
    /// True if any text that is searched has a token.
    fn has(&self, token: &str) -> bool {
        let Fields { brand, name, labels, body, .. } = *self.fields;
        [brand, name, labels, body].into_iter().any(|field| self.is_in(field, token))
    }

    /// True if a run of Hangul is a word somewhere.
    fn is_word(&self, text: &str) -> bool {
        self.is_in(self.fields.keys, &keys(text))
    }

    fn is_in(&self, field: Field, token: &str) -> bool {
        // An index that cannot be read fails in the search itself.
        self.searcher.doc_freq(&Term::from_field_text(field, token)).is_ok_and(|count| count > 0)
    }
}

/// Builds the query for the words of a request, with its filters.
pub(super) fn build(asked: &Asked<'_>, words: &[Word], strictness: Strictness) -> Boxed {
    let as_typed = words_query(asked, words, strictness);
    let matching = match joined(words) {
        Some(joined) => {
            let joined = words_query(asked, &joined, strictness);
            Box::new(DisjunctionMaxQuery::new(vec![as_typed, joined]))
        }
        None => as_typed,
    };
    let mut all = vec![(Occur::Must, matching)];
    all.extend(
        filters(asked.fields, asked.request)
            .into_iter()
            .map(|filter| (Occur::Must, Box::new(ConstScoreQuery::new(filter, 0.0)) as Boxed)),
    );
    Box::new(BooleanQuery::new(all))
}

fn words_query(asked: &Asked<'_>, words: &[Word], strictness: Strictness) -> Boxed {
    let word_query = |(index, word): (usize, &Word)| {
        (Occur::Should, word_query(asked, word, index + 1 == words.len(), strictness))
    };
    let clauses: Vec<(Occur, Boxed)> = words.iter().enumerate().map(word_query).collect();
    let needed = match strictness {
        Strictness::All | Strictness::Slips => words.len(),
        Strictness::Some => words.len().div_ceil(2),
    };
    Box::new(BooleanQuery::with_minimum_required_clauses(clauses, needed))
}

/// The ways in which a word may match, of which the best counts.
fn word_query(asked: &Asked<'_>, word: &Word, is_last: bool, strictness: Strictness) -> Boxed {
    let fields = asked.fields;
    let texts = texts(fields);
    let mut ways: Vec<Boxed> = Vec::new();
    let variants = variants(word, is_last);
    // What can be read in Hangul has no slip: it is in the other mode, or known in both scripts.
    let may_slip = variants.iter().all(|variant| variant.kind == WordKind::Letters);
    for variant in variants {
        if variant.kind == WordKind::Initials {
            let whole = format!("{WHOLE}{}", variant.text);
            ways.push(boosted(term(fields.initials, &whole), 2.0));
            ways.push(boosted(phrase(fields.initials, &bigrams(&variant.text)), 0.5));
            continue;
        }
        for (field, boost) in texts {
            let weight = boost * variant.weight;
            ways.extend(
                matches(asked, field, &variant, (is_last, may_slip))
                    .into_iter()
                    .map(|(way, part)| boosted(way, weight * part)),
            );
        }
    }
    if word.kind == WordKind::Syllables {
        ways.extend(of_syllables(asked, word, is_last, strictness));
    }
    Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, TIE))
}

fn texts(fields: &Fields) -> [(Field, f32); 4] {
    [(fields.brand, 5.0), (fields.name, 3.0), (fields.labels, 2.0), (fields.body, 1.0)]
}

/// Further ways in which a word of Hangul may match.
fn of_syllables(
    asked: &Asked<'_>,
    word: &Word,
    is_last: bool,
    strictness: Strictness,
) -> Vec<Boxed> {
    let fields = asked.fields;
    let mut ways = Vec::new();
    let length = word.text.chars().count();
    let own_keys = keys(&word.text);
    let ending = bigrams(&word.text).pop().filter(|_| length > 1);
    if is_last && ending.is_some_and(|ending| !asked.has(&ending)) {
        // The last syllable is not whole yet.
        ways.push(boosted(prefix(fields.keys, &own_keys), 3.0));
    }
    if let Some(stem) = lone_stem(&word.text).filter(|_| !asked.has(&word.text)) {
        ways.extend(texts(fields).map(|(field, boost)| boosted(term(field, stem), boost * 0.8)));
    }
    if length >= COMPOUND
        && let Some(parts) = parts(&word.text, |part| asked.is_word(part))
    {
        let part_query = |text: String| {
            let word = Word { text, kind: WordKind::Syllables };
            (Occur::Must, word_query(asked, &word, false, Strictness::All))
        };
        let clauses = parts.into_iter().map(part_query).collect();
        ways.push(boosted(Box::new(BooleanQuery::new(clauses)), PARTS));
    }
    if strictness != Strictness::All && own_keys.chars().count() >= FUZZY_KEYS {
        let slip = FuzzyTermQuery::new(Term::from_field_text(fields.keys, &own_keys), 1, true);
        ways.push(boosted(Box::new(slip), 3.0));
    }
    if strictness == Strictness::Some {
        for (field, boost) in texts(fields) {
            ways.extend(half_of(field, &word.text).map(|way| boosted(way, boost * 0.3)));
        }
    }
    ways
}

/// How a word can match in a field, each with its part of the score.
fn matches(
    asked: &Asked<'_>,
    field: Field,
    variant: &Variant,
    (is_last, may_slip): (bool, bool),
) -> Vec<(Boxed, f32)> {
    let text = variant.text.as_str();
    match variant.kind {
        WordKind::Syllables => {
            let pairs = bigrams(text);
            let mut ways = vec![(phrase(field, &pairs), 1.0)];
            match text.chars().count() {
                // Where it stands alone, or begins a word.
                1 => ways.push((prefix(field, text), 0.3)),
                2 => {}
                _ => ways.push((term(field, text), 1.0)),
            }
            ways
        }
        WordKind::Letters => {
            let mut ways = vec![(term(field, text), 1.0)];
            if may_slip && text.chars().count() >= FUZZY && !asked.has(text) {
                let fuzzy = FuzzyTermQuery::new(Term::from_field_text(field, text), 1, true);
                ways.push((Box::new(fuzzy), 0.5));
            }
            if is_last && text.chars().count() > 1 {
                ways.push((prefix(field, text), 0.4));
            }
            ways
        }
        WordKind::Number | WordKind::Initials => vec![(term(field, text), 1.0)],
    }
}

fn boosted(query: Boxed, boost: f32) -> Boxed {
    Box::new(BoostQuery::new(query, boost))
}

fn term(field: Field, text: &str) -> Boxed {
    let term = Term::from_field_text(field, text);
    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
}

/// Tokens that begin so.
fn prefix(field: Field, text: &str) -> Boxed {
    Box::new(FuzzyTermQuery::new_prefix(Term::from_field_text(field, text), 0, true))
}

/// Tokens in this order, one behind the other.
fn phrase(field: Field, tokens: &[String]) -> Boxed {
    if let [single] = tokens {
        term(field, single)
    } else {
        let terms = tokens.iter().map(|token| Term::from_field_text(field, token)).collect();
        Box::new(PhraseQuery::new(terms))
    }
}

/// Half of a word's bigrams: a word with a slip in it. None of one bigram alone.
fn half_of(field: Field, text: &str) -> Option<Boxed> {
    let pairs = bigrams(text);
    let needed = pairs.len().div_ceil(2);
    let clauses = pairs.iter().map(|pair| (Occur::Should, term(field, pair))).collect();
    (pairs.len() > 1)
        .then(|| Box::new(BooleanQuery::with_minimum_required_clauses(clauses, needed)) as Boxed)
}

fn filters(fields: &Fields, request: &Request) -> Vec<Boxed> {
    let Filter { season, sex, kind, brand, color, price_from, price_to } = &request.filter;
    let any = |field: Field, words: &[&str]| -> Boxed {
        let clauses = words.iter().map(|word| (Occur::Should, term(field, word))).collect();
        Box::new(BooleanQuery::new(clauses))
    };
    let mut filters: Vec<Boxed> = Vec::new();
    if !request.kinds.is_empty() {
        let kinds: Vec<&str> = request.kinds.iter().map(|kind| kind.as_str()).collect();
        filters.push(any(fields.what, &kinds));
    }
    filters.extend(season.map(|season| term(fields.season, season.as_str())));
    filters.extend(sex.map(|sex| any(fields.sex, &[sex.as_str(), Sex::Unisex.as_str()])));
    for (field, word) in [(fields.kind, kind), (fields.brand_key, brand), (fields.color, color)] {
        filters.extend(word.as_ref().map(|word| term(field, &word.to_lowercase())));
    }
    if price_from.is_some() || price_to.is_some() {
        let bound = |price: &Option<u32>| {
            let term = |price: u32| Term::from_field_u64(fields.price, u64::from(price));
            price.map_or(Bound::Unbounded, |price| Bound::Included(term(price)))
        };
        filters.push(Box::new(RangeQuery::new(bound(price_from), bound(price_to))));
    }
    filters
}
