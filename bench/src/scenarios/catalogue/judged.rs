//! Judged queries: how good what search finds is, beside the first server's `LIKE`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;
use serde::Deserialize;
use toneup_catalogue::product::Product;
use toneup_catalogue::product::changes::SubjectKind;
use toneup_catalogue::search::{Engine, Request, TantivyEngine};

use super::like::Like;
use super::shop::{self, Shop};
use crate::report::{Report, Row};
use crate::site::{Site, repository};

/// The file with the queries.
const FILE: &str = "shared/catalogue/judged/queries.jsonl";
/// Results that count.
const TOP: usize = 10;

/// A query, and which products are how good for it.
#[derive(Debug, Deserialize)]
pub(super) struct Judged {
    /// The kind of query.
    pub(super) kind: String,
    /// The text.
    pub(super) q: String,
    /// Rules; the first one that a product meets gives its grade.
    grades: Vec<Rule>,
}

/// What a product of a grade is like. Alternatives are separated by `|`; texts are compared in lower case and without spaces.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    /// 1 to 3.
    grade: u8,
    /// What the name contains, of each one alternative.
    #[serde(default)]
    name: Vec<String>,
    /// The type.
    r#type: Option<String>,
    /// The colour.
    color: Option<String>,
    /// What the brand contains.
    brand: Option<String>,
    /// The brand.
    brand_is: Option<String>,
}

/// Reads the judged queries.
pub(super) fn read() -> anyhow::Result<Vec<Judged>> {
    let text = fs::read_to_string(repository().join(FILE)).with_context(|| FILE)?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// A product's texts as rules compare them.
struct Texts<'a> {
    product: &'a Product,
    name: String,
    brand: String,
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<String>().to_lowercase()
}

impl Rule {
    fn holds(&self, texts: &Texts<'_>) -> bool {
        let any = |wanted: &str, holds: &dyn Fn(&str) -> bool| wanted.split('|').any(holds);
        let product = texts.product;
        self.name.iter().all(|name| any(name, &|one| texts.name.contains(one)))
            && self.r#type.as_ref().is_none_or(|kind| any(kind, &|one| product.kind == one))
            && self.color.as_ref().is_none_or(|color| {
                any(color, &|one| product.color.as_deref().is_some_and(|own| own == one))
            })
            && self.brand.as_ref().is_none_or(|brand| texts.brand.contains(&squeezed(brand)))
            && self.brand_is.as_ref().is_none_or(|brand| product.brand == *brand)
    }
}

/// Discounted cumulative gain of grades in the order of the list.
fn gain(grades: impl Iterator<Item = u8>) -> f64 {
    let each = (0_u32..)
        .zip(grades.take(TOP))
        .map(|(place, grade)| (f64::from(grade).exp2() - 1.0) / f64::from(place + 2).log2());
    each.sum()
}

/// Normalized discounted cumulative gain of a list of product ids, 0 to 1.
fn quality(grades: &[u8], found: &[u64]) -> f64 {
    let grade = |id: &u64| {
        let place = usize::try_from(*id).ok().and_then(|id| id.checked_sub(1));
        place.and_then(|place| grades.get(place)).copied().unwrap_or(0)
    };
    let mut ideal = grades.to_vec();
    ideal.sort_unstable_by(|one, other| other.cmp(one));
    let best = gain(ideal.into_iter());
    if best > 0.0 { gain(found.iter().map(grade)) / best } else { f64::NAN }
}

/// Quality by kind: of search, and of `LIKE`.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    queries: u32,
    search: f64,
    like: f64,
}

/// Compares search with `LIKE` by the judged queries.
pub(super) async fn run(site: &Site, shop: &Shop, report: &mut Report) -> anyhow::Result<()> {
    let engine = TantivyEngine::in_memory()?;
    shop::write(&engine, shop::SIZE, || {})?;
    let mut like = Like::of_products(site).await?;
    let texts: Vec<Texts<'_>> = shop
        .products
        .iter()
        .map(|stored| Texts {
            product: &stored.product,
            name: squeezed(&stored.product.name),
            brand: squeezed(&stored.product.brand),
        })
        .collect();
    let mut kinds: BTreeMap<String, Sum> = BTreeMap::new();
    let mut all = Sum::default();
    let mut weak = Vec::new();
    for judged in read()? {
        let grade = |texts: &Texts<'_>| {
            judged.grades.iter().find(|rule| rule.holds(texts)).map_or(0, |rule| rule.grade)
        };
        let grades: Vec<u8> = texts.iter().map(grade).collect();
        let found = search(&engine, &judged.q)?;
        let (own, other) =
            (quality(&grades, &found), quality(&grades, &like.find(&judged.q).await?));
        if own < 0.5 {
            weak.push(format!("{} ({own:.2})", judged.q));
        }
        for sum in [&mut all, kinds.entry(judged.kind).or_default()] {
            sum.queries += 1;
            sum.search += own;
            sum.like += other;
        }
    }
    report.next_table();
    kinds.insert("all".to_owned(), all);
    for (kind, sum) in kinds {
        let (own, other) = (sum.search / f64::from(sum.queries), sum.like / f64::from(sum.queries));
        let row = Row::default()
            .with("judged_queries", kind.as_str())
            .with("queries", sum.queries)
            .number("ndcg_at_10", own)
            .number("like_ndcg_at_10", other);
        let is_all = kind == "all";
        report.row(if is_all { row.wanted("LIKE + 0.20", own >= other + 0.2) } else { row })?;
    }
    report.remark(format!(
        "Below 0.5: {}.",
        if weak.is_empty() { "none".to_owned() } else { weak.join(", ") }
    ))
}

/// The ids that search finds first.
fn search(engine: &dyn Engine, text: &str) -> anyhow::Result<Vec<u64>> {
    let request = Request {
        text: text.to_owned(),
        kinds: vec![SubjectKind::Product],
        most: TOP,
        ..Request::default()
    };
    let page = engine.search(&request)?;
    Ok(page.hits.iter().filter_map(|hit| hit.subject.id.parse().ok()).collect())
}
