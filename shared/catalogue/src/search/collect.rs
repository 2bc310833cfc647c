//! Counts the values of filters among all that a query finds.

use std::collections::HashMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::StrColumn;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::engine::{Facet, Facets};

/// Values of a filter that are told.
const MOST: usize = 20;
/// The filters: fields of the index.
const FILTERS: [&str; 5] = ["season", "sex", "kind", "brand_key", "color"];

type Counts = [HashMap<String, u64>; FILTERS.len()];

/// Counts values.
#[derive(Debug, Clone, Copy)]
pub(super) struct FacetCollector;

/// Counts values in a segment, by their numbers there.
pub(super) struct SegmentFacets {
    columns: [Option<StrColumn>; FILTERS.len()],
    counts: [HashMap<u64, u64>; FILTERS.len()],
}

impl Collector for FacetCollector {
    type Fruit = Facets;
    type Child = SegmentFacets;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentFacets> {
        let columns = FILTERS.map(|name| segment.fast_fields().str(name).ok().flatten());
        Ok(SegmentFacets { columns, counts: Default::default() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Counts>) -> tantivy::Result<Facets> {
        let mut sum = Counts::default();
        for segment in segments {
            for (sum, counts) in sum.iter_mut().zip(segment) {
                for (value, count) in counts {
                    *sum.entry(value).or_default() += count;
                }
            }
        }
        let [season, sex, r#type, brand, color] = sum.map(most_frequent);
        Ok(Facets { season, sex, r#type, brand, color })
    }
}

fn most_frequent(counts: HashMap<String, u64>) -> Vec<Facet> {
    let mut facets: Vec<Facet> =
        counts.into_iter().map(|(value, count)| Facet { value, count }).collect();
    facets.sort_by(|one, other| other.count.cmp(&one.count).then(one.value.cmp(&other.value)));
    facets.truncate(MOST);
    facets
}

impl SegmentCollector for SegmentFacets {
    type Fruit = Counts;

    fn collect(&mut self, document: DocId, _: Score) {
        for (column, counts) in self.columns.iter().zip(&mut self.counts) {
            for value in column.iter().flat_map(|column| column.ords().values_for_doc(document)) {
                *counts.entry(value).or_default() += 1;
            }
        }
    }

    fn harvest(self) -> Counts {
        let mut named = Counts::default();
        for ((column, counts), named) in self.columns.into_iter().zip(self.counts).zip(&mut named) {
            let Some(column) = column else { continue };
            for (number, count) in counts {
                let mut value = String::new();
                if column.ord_to_str(number, &mut value).is_ok_and(|is_there| is_there) {
                    named.insert(value, count);
                }
            }
        }
        named
    }
}
