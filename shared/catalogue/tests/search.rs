//! Search with the embedded engine: what is found, by kinds of queries.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use time::OffsetDateTime;
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::hangul::{initial_of, keys, latin_of_hangul};
use toneup_catalogue::live::Filter;
use toneup_catalogue::product::changes::{Subject, SubjectKind};
use toneup_catalogue::product::store::StoredProduct;
use toneup_catalogue::product::{Product, Sex};
use toneup_catalogue::search::{Document, Engine, Request, TantivyEngine};
use toneup_colour::result::PersonalColor;

use crate::support::TempDir;

const PRODUCTS: u64 = 1500;

fn document(product: Product) -> Document {
    Document::of_product(&StoredProduct { product, created_at: OffsetDateTime::UNIX_EPOCH }, 0)
}

fn product(number: u64) -> Product {
    Catalogue::new(1).product(number)
}

fn filled(engine: &dyn Engine, count: u64) {
    let documents: Vec<Document> = (1..=count).map(|number| document(product(number))).collect();
    engine.write(&documents, &[]).unwrap();
    engine.commit().unwrap();
}

fn engine(count: u64) -> TantivyEngine {
    let engine = TantivyEngine::in_memory().unwrap();
    filled(&engine, count);
    engine
}

fn request(text: &str, most: usize) -> Request {
    Request { text: text.to_owned(), most, ..Request::default() }
}

fn found(engine: &dyn Engine, request: &Request) -> Vec<u64> {
    let page = engine.search(request).unwrap();
    page.hits.iter().map(|hit| hit.subject.id.parse().unwrap()).collect()
}

/// Syllables of a name, without anything else.
fn syllables(name: &str) -> String {
    name.chars().filter(|one| initial_of(*one).is_some()).collect()
}

/// Changes the third syllable.
fn slip(text: &str) -> String {
    text.chars().enumerate().map(|(index, one)| if index == 2 { '뭏' } else { one }).collect()
}

/// Queries by which a product is looked for; `None` where its name does not lend itself to the kind.
fn queries(product: &Product) -> Vec<(&'static str, Option<String>)> {
    let name = &product.name;
    let is_korean = name.chars().all(|one| initial_of(one).is_some() || one == ' ');
    let korean = |query: String| is_korean.then_some(query);
    let joined = syllables(name);
    let long = joined.chars().count() > 7;
    vec![
        ("name", Some(name.clone())),
        ("name and brand", Some(format!("{} {name}", product.brand))),
        ("joined", korean(joined.clone())),
        (
            "torn",
            korean(
                joined
                    .chars()
                    .enumerate()
                    .flat_map(|(index, one)| {
                        let space = (index > 0 && index % 2 == 0).then_some(' ');
                        space.into_iter().chain([one])
                    })
                    .collect(),
            ),
        ),
        ("particle", korean(format!("{name}를"))),
        ("slip", korean(slip(&joined)).filter(|_| long)),
        ("initials", korean(joined.chars().filter_map(initial_of).collect()).filter(|_| long)),
        (
            "half typed",
            korean(name.chars().take(name.chars().count() - 1).collect()).filter(|_| long),
        ),
        ("wrong keyboard", korean(name.clone()).and_then(|name| latin_of_hangul(&keys(&name)))),
    ]
}

#[test]
fn products_are_found_by_every_kind_of_query() {
    let engine = engine(PRODUCTS);
    let mut rates: HashMap<&str, (u32, u32)> = HashMap::new();
    for number in (1..=PRODUCTS).step_by(12) {
        let product = product(number);
        // Other products of the same name are as good.
        for (kind, query) in queries(&product) {
            let Some(query) = query else { continue };
            let names = found(&engine, &request(&query, 10));
            let is_found = names.iter().any(|id| self::product(*id).name == product.name);
            let rate = rates.entry(kind).or_default();
            rate.0 += u32::from(is_found);
            rate.1 += 1;
        }
    }
    for (kind, least) in [
        ("name", 0.98),
        ("name and brand", 0.98),
        ("joined", 0.95),
        ("torn", 0.8),
        ("particle", 0.95),
        ("slip", 0.6),
        ("initials", 0.9),
        ("half typed", 0.85),
        ("wrong keyboard", 0.8),
    ] {
        let (hits, of) = rates[kind];
        let rate = f64::from(hits) / f64::from(of);
        assert!(of >= 10 && rate >= least, "{kind}: {hits} of {of}; all: {rates:?}");
    }
}

#[test]
fn words_of_either_script_and_with_a_slip_find_the_same() {
    let engine = TantivyEngine::in_memory().unwrap();
    let named = |id, brand: &str, name: &str, color: &str| {
        let product = Product {
            name: name.to_owned(),
            brand: brand.to_owned(),
            color: Some(color.to_owned()),
            kind: name.split(' ').next_back().unwrap().to_owned(),
            ..product(id)
        };
        document(product)
    };
    let documents = [
        named(1, "무드온", "오버핏 린넨 셔츠", "코랄"),
        named(2, "Lune Atelier", "linen shirt", "블랙"),
        named(3, "코랄룸", "코튼 니트", "화이트"),
        named(4, "노르", "울 코트", "네이비"),
    ];
    engine.write(&documents, &[]).unwrap();
    engine.commit().unwrap();
    let find = |text| found(&engine, &request(text, 10));
    assert_eq!(find("린넨").into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]));
    assert_eq!(find("linen").into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]));
    assert_eq!(find("linnen"), [2]);
    assert_eq!(find("코랄")[0], 3, "a brand counts more than a colour");
    assert_eq!(find("코랄 셔츠")[0], 1);
    assert_eq!(find("셔츠 오버핏"), [1], "in any order");
    assert_eq!(find("울"), [4]);
    assert!(find("ㅣㅑㅜ두").contains(&2));
    assert_eq!(find("울로"), [4], "a particle behind one syllable");
    assert_eq!(find("atel"), [2]);
    assert_eq!(find("무드온 없는말"), [1], "half of it");
    assert_eq!(find("없는말"), [] as [u64; 0]);
}

#[test]
fn pages_follow_one_another_and_filters_and_counts_agree() {
    let engine = engine(PRODUCTS);
    let mut request = Request {
        wants_facets: true,
        filter: Filter { sex: Some(Sex::Female), price_to: Some(80_000), ..Filter::default() },
        ..request("셔츠", 7)
    };
    let whole = engine.search(&Request { most: 1000, ..request.clone() }).unwrap();
    assert!(whole.total > 20 && whole.hits.len() == whole.total, "{}", whole.total);
    let facets = whole.facets.unwrap();
    assert!(facets.sex.iter().all(|facet| facet.value != "MALE") && !facets.brand.is_empty());
    assert_eq!(facets.sex.iter().map(|facet| facet.count).sum::<u64>(), whole.total as u64);
    let mut paged = Vec::new();
    loop {
        let page = engine.search(&request).unwrap();
        request.after = page.hits.last().map(|hit| hit.place);
        if page.hits.is_empty() {
            break;
        }
        paged.extend(page.hits);
    }
    assert_eq!(paged, whole.hits);
    for hit in &paged {
        let product = product(hit.subject.id.parse().unwrap());
        assert!(product.sex != Sex::Male && product.price <= 80_000);
    }
    let brand = facets.brand[0].clone();
    let filter = Filter { brand: Some(brand.value.to_uppercase()), ..request.filter };
    let of_brand = Request { filter, after: None, most: 1000, ..request };
    assert_eq!(engine.search(&of_brand).unwrap().total as u64, brand.count);
}

#[test]
fn a_season_that_is_preferred_comes_sooner() {
    let engine = engine(PRODUCTS);
    let mean = |preferred: Option<PersonalColor>| {
        let request = Request { preferred, ..request("니트", 20) };
        let weights = found(&engine, &request).into_iter().map(|id| {
            let seasons = product(id).seasons;
            let winter = seasons.iter().find(|one| one.season == PersonalColor::Winter);
            winter.map_or(0, |one| u32::from(one.weight))
        });
        weights.sum::<u32>()
    };
    assert!(mean(Some(PersonalColor::Winter)) > mean(None));
}

#[test]
fn what_is_changed_or_deleted_is_so_after_a_commit() {
    let engine = engine(50);
    let mut changed = product(7);
    changed.name = "유일무이한 이름".to_owned();
    engine.write(&[document(changed)], &[Subject::new(SubjectKind::Product, 8)]).unwrap();
    let find = |text: &str| found(&engine, &request(text, 50));
    assert_eq!(find("유일무이한"), [] as [u64; 0]);
    engine.commit().unwrap();
    assert_eq!(find("유일무이한"), [7]);
    assert!(!find(&product(8).name).contains(&8));
}

#[test]
fn nonsense_of_any_length_finds_nothing_and_takes_no_time() {
    let engine = engine(300);
    let long =
        ["가나다라 ".repeat(2000), "a".repeat(10_000), "ㅇ".repeat(10_000), "1".repeat(10_000)];
    let short = [
        "",
        " ",
        "🙂🙃🙂",
        "\u{0}\u{200b}",
        "!@#$%^&*()",
        "\"AND\" OR (NOT",
        "한글\u{fffd}",
        "ㅏㅏㅏ",
    ];
    let begun = Instant::now();
    for text in long.iter().map(String::as_str).chain(short) {
        let page = engine.search(&Request { wants_facets: true, ..request(text, 50) }).unwrap();
        assert!(page.total < 300, "{}: {}", page.total, text.chars().take(10).collect::<String>());
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn an_index_that_is_lost_or_broken_is_built_anew() {
    let directory = TempDir::new();
    let path = directory.path().join("index");
    let find = |engine: &TantivyEngine| found(engine, &request(&product(3).name, 5)).contains(&3);
    let first = TantivyEngine::in_directory(&path).unwrap();
    filled(&first, 10);
    assert!(find(&first));
    assert!(TantivyEngine::in_directory(&path).is_err(), "one writer at a time");
    drop(first);
    let second = TantivyEngine::in_directory(&path).unwrap();
    assert!(find(&second), "what was there is found until it is replaced");
    second.commit().unwrap();
    assert!(!find(&second), "the one who writes begins with everything");
    drop(second);
    std::fs::write(path.join("search-index/meta.json"), "{").unwrap();
    let third = TantivyEngine::in_directory(&path).unwrap();
    filled(&third, 10);
    assert!(find(&third));
}
