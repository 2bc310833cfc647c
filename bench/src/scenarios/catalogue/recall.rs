//! The nearest products, compared with a scan of every vector in single precision.

use std::collections::HashSet;
use std::time::Instant;

use anyhow::Context;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use toneup_catalogue::embeddings::{HALF, Query, Vectors};
use toneup_catalogue::generate::{Catalogue, embedding};
use toneup_catalogue::live::{Facts, Filter};
use toneup_catalogue::product::{ProductId, Sex};
use toneup_colour::result::PersonalColor;

use super::load::Loaded;
use super::shop::{self, Shop};
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};

/// Neighbours that are compared.
const TOP: usize = 10;
/// Share of the picture in likeness, as recommendations have it.
const PICTURE: f32 = 0.7;
/// Queries for each filter, of a full and of a quick run.
const QUERIES: (usize, usize) = (40, 10);
/// Difference of similarity that half precision cannot tell.
const ALIKE: f32 = 2e-4;

/// Compares for each of several filters.
pub(super) fn run(quick: bool, loaded: &Loaded, report: &mut Report) -> anyhow::Result<()> {
    let generation = Vectors::current(&loaded.directory)?.context("no embeddings")?;
    let vectors = Vectors::open(&loaded.directory, &generation)?;
    let facts = Shop::new(loaded.products).facts(loaded.products);
    let catalogue = Catalogue::new(shop::SEED);
    let whole: Vec<Vec<f32>> =
        (1..=loaded.products).map(|id| embedding(catalogue, &catalogue.product(id))).collect();
    report.next_table();
    for (name, filter) in filters() {
        let queries = if quick { QUERIES.1 } else { QUERIES.0 };
        let compared = compare(&vectors, &facts, &whole, &filter, queries)?;
        report.row(compared.row(name, loaded.products))?;
    }
    Ok(())
}

fn filters() -> [(&'static str, Filter); 5] {
    let season = Filter { season: Some(PersonalColor::Winter), ..Filter::default() };
    let sex = Filter { sex: Some(Sex::Male), ..season.clone() };
    let kind = Filter { kind: Some("니트".to_owned()), ..Filter::default() };
    let narrow = Filter { price_to: Some(40_000), ..kind.clone() };
    [
        ("none", Filter::default()),
        ("season", season),
        ("season and sex", sex),
        ("type", kind),
        ("type and price", narrow),
    ]
}

#[derive(Debug, Default)]
struct Compared {
    admitted: usize,
    wanted: usize,
    same: usize,
    as_good: usize,
    scan_ms: Vec<f64>,
    brute_ms: Vec<f64>,
}

impl Compared {
    fn row(self, filter: &str, products: u64) -> Row {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let share = |part: usize| part as f64 / self.wanted.max(1) as f64;
        let (same, as_good) = (share(self.same), share(self.as_good));
        Row::default()
            .with("nearest_with_filter", filter)
            .with("products", products)
            .with("admitted", self.admitted)
            .number("recall_at_10", same)
            .number("recall_but_for_ties", as_good)
            .number("scan_ms", Sorted::new(self.scan_ms).median())
            .number("single_precision_ms", Sorted::new(self.brute_ms).median())
            .wanted("1.000", as_good >= 1.0)
    }
}

fn compare(
    vectors: &Vectors,
    facts: &Facts,
    whole: &[Vec<f32>],
    filter: &Filter,
    queries: usize,
) -> anyhow::Result<Compared> {
    let admission = filter.prepare(facts);
    let admits = |id: ProductId| facts.get(id).is_some_and(|fact| admission.admits(fact));
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(17);
    let mut compared = Compared {
        admitted: facts.all().iter().filter(|fact| admission.admits(fact)).count(),
        ..Compared::default()
    };
    for _ in 0..queries {
        let place = rng.random_range(0..whole.len());
        let vector: &[f32; 2 * HALF] = whole[place].as_slice().try_into()?;
        let begun = Instant::now();
        let found = vectors.nearest(&Query::new(vector, PICTURE), TOP, admits)?;
        compared.scan_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let mut exact: Vec<(f32, u64)> = (1_u64..)
            .zip(whole)
            .filter(|(id, _)| admits(ProductId(*id)))
            .map(|(id, other)| (similarity(vector, other), id))
            .collect();
        exact.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        compared.brute_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        exact.truncate(TOP);
        let least = exact.last().map_or(0.0, |(similarity, _)| similarity - ALIKE);
        let ids: HashSet<u64> = exact.iter().map(|(_, id)| *id).collect();
        compared.wanted += exact.len();
        for one in found {
            let exactly = similarity(vector, &whole[usize::try_from(one.product.0)? - 1]);
            compared.same += usize::from(ids.contains(&one.product.0));
            compared.as_good += usize::from(exactly >= least);
        }
    }
    Ok(compared)
}

fn similarity(one: &[f32; 2 * HALF], other: &[f32]) -> f32 {
    let dot = |range: std::ops::Range<usize>| -> f32 {
        let pairs = one[range.clone()].as_chunks::<16>().0.iter();
        let sums =
            pairs.zip(other[range].as_chunks::<16>().0).fold([0.0_f32; 16], |mut sum, (a, b)| {
                sum.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
                sum
            });
        sums.iter().sum()
    };
    PICTURE * dot(0..HALF) + (1.0 - PICTURE) * dot(HALF..2 * HALF)
}
