//! Recommendations: what they are worth, and what must hold for every list.

use std::collections::{BTreeSet, HashSet};
use std::io::Cursor as Bytes;

use time::OffsetDateTime;
use toneup_catalogue::embeddings::{Input, Loader, OnError, Vectors};
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::live::{Facts, Filter};
use toneup_catalogue::product::ProductId;
use toneup_catalogue::product::palettes::{distance, palette};
use toneup_catalogue::product::store::StoredProduct;
use toneup_catalogue::recommend::{Reason, Recommended, Recommender, Request, Taste, similar};
use toneup_colour::result::PersonalColor;

use crate::support::{TempDir, embeddings};

const NOW: i64 = 1_800_000_000;

fn facts(count: u64) -> Facts {
    let mut facts = Facts::default();
    let created_at = OffsetDateTime::from_unix_timestamp(NOW - 90 * 86_400).unwrap();
    for number in 1..=count {
        let product = Catalogue::new(1).product(number);
        facts.insert(&StoredProduct { product, created_at });
    }
    facts
}

fn of_season(season: PersonalColor) -> Taste {
    Taste {
        season: Some(season),
        palette: palette(season).to_vec(),
        confidence: 0.9,
        ..Taste::default()
    }
}

/// Vectors of the first products.
fn vectors(count: u64) -> Vectors {
    let directory = TempDir::new();
    let loader = Loader {
        directory: directory.path().to_owned(),
        on_error: OnError::Refuse,
        checkpoint: 1000,
    };
    let input = Input::stream(Bytes::new(embeddings(count))).unwrap();
    let loaded = loader.load(input, |_| {}, |_, _| {}).unwrap();
    Vectors::open(directory.path(), &loaded.generation).unwrap()
}

struct Shop {
    facts: Facts,
    vectors: Option<Vectors>,
    recommender: Recommender,
}

impl Shop {
    fn new(facts: Facts, vectors: Option<Vectors>) -> Self {
        Self { facts, vectors, recommender: Recommender::default() }
    }

    fn page(
        &self,
        taste: &Taste,
        filter: &Filter,
        shown: &BTreeSet<ProductId>,
        seed: u64,
        most: usize,
    ) -> Vec<Recommended> {
        let filter = filter.prepare(&self.facts);
        let request = Request { taste, filter: &filter, shown, seed, most, now: NOW };
        self.recommender.recommend(&self.facts, self.vectors.as_ref(), &request).unwrap()
    }

    fn first(&self, taste: &Taste, seed: u64, most: usize) -> Vec<ProductId> {
        let page = self.page(taste, &Filter::default(), &BTreeSet::new(), seed, most);
        page.into_iter().map(|one| one.product).collect()
    }

    fn difference(&self, id: ProductId, season: PersonalColor) -> f32 {
        let (_, lab) = self.facts.get(id).unwrap().colour.unwrap();
        distance(lab, palette(season))
    }
}

#[test]
fn what_is_shown_first_is_nearer_to_the_palette_than_a_tenth_of_the_catalogue() {
    let shop = Shop::new(facts(3000), None);
    for season in PersonalColor::ALL {
        let mut all: Vec<f32> =
            (1..=3000).map(|id| shop.difference(ProductId(id), season)).collect();
        all.sort_by(f32::total_cmp);
        let top = shop.first(&of_season(season), 7, 20);
        let mean = top.iter().map(|id| shop.difference(*id, season)).sum::<f32>() / 20.0;
        assert!(mean <= all[300], "{season:?}: {mean}, a tenth has {}", all[300]);
    }
}

#[test]
fn many_people_see_most_of_the_catalogue() {
    let shop = Shop::new(facts(1500), None);
    let mut seen = HashSet::new();
    for person in 0..120 {
        let taste = of_season(PersonalColor::ALL[person % 4]);
        seen.extend(shop.first(&taste, person as u64, 200));
    }
    assert!(seen.len() >= 900, "{} of 1500", seen.len());
}

#[test]
fn of_what_somebody_likes_the_one_left_out_is_found_more_often_than_by_its_season() {
    const PRODUCTS: u64 = 900;
    let shop = Shop::new(facts(PRODUCTS), Some(vectors(PRODUCTS)));
    let all = shop.facts.all();
    let (mut hits, mut by_chance, mut people) = (0, 0.0, 0);
    for person in 0..48_u64 {
        // Somebody who likes one type, in colours of a season.
        let season = (person % 4) as usize;
        let kind = all[(person * 37 % PRODUCTS) as usize].kind;
        let suits = |fact: &&toneup_catalogue::live::Fact| fact.seasons[season] >= 60;
        let of_season_count = all.iter().filter(suits).count();
        let mut liked: Vec<ProductId> =
            all.iter().filter(suits).filter(|fact| fact.kind == kind).map(|fact| fact.id).collect();
        if liked.len() < 4 {
            continue;
        }
        let left_out = liked.remove(usize::try_from(person).unwrap() % liked.len());
        let taste = Taste { likes: liked, ..of_season(PersonalColor::ALL[season]) };
        people += 1;
        by_chance += 10.0 / f64::from(u32::try_from(of_season_count).unwrap());
        if shop.first(&taste, person, 10).contains(&left_out) {
            hits += 1;
        }
    }
    let rate = f64::from(hits) / f64::from(people);
    let chance = by_chance / f64::from(people);
    assert!(people >= 12 && rate >= 3.0 * chance, "{rate} of {people}, by chance {chance}");
}

#[test]
fn a_list_shows_nothing_twice_and_the_same_page_again() {
    let shop = Shop::new(facts(1200), None);
    let taste = of_season(PersonalColor::Winter);
    let mut shown = BTreeSet::new();
    for _ in 0..25 {
        let page = shop.page(&taste, &Filter::default(), &shown, 3, 20);
        assert_eq!(page, shop.page(&taste, &Filter::default(), &shown, 3, 20));
        assert_eq!(page.len(), 20);
        for one in page {
            assert!(!one.why.is_empty());
            assert!(shown.insert(one.product), "{:?} again", one.product);
        }
    }
}

#[test]
fn each_says_why() {
    let mut shop = Shop::new(facts(1500), None);
    let winter = of_season(PersonalColor::Winter);
    let page = shop.page(&winter, &Filter::default(), &BTreeSet::new(), 3, 9);
    let of_palette = |one: &&Recommended| matches!(one.why[0], Reason::Palette { season: PersonalColor::Winter, difference } if difference <= 10.0);
    assert_eq!(page.iter().filter(of_palette).count(), 9, "{page:?}");
    let tenth = &shop.page(&winter, &Filter::default(), &BTreeSet::new(), 3, 10)[9];
    assert!(tenth.why.contains(&Reason::Surprise), "{tenth:?}");

    // Somebody of whom nothing is known sees what others like.
    let likes = (1..=8).map(|id| (ProductId(id), 1000)).collect();
    shop.facts.set_likes(&likes);
    let page = shop.page(&Taste::default(), &Filter::default(), &BTreeSet::new(), 3, 9);
    let popular = page.iter().filter(|one| one.why.contains(&Reason::Popular)).count();
    assert!(popular >= 3, "{page:?}");

    let taste = Taste { likes: vec![ProductId(40)], ..Taste::default() };
    let page = shop.page(&taste, &Filter::default(), &BTreeSet::new(), 3, 9);
    let reason = Reason::Like { product_id: ProductId(40) };
    assert!(page.iter().any(|one| one.why[0] == reason), "{page:?}");
    assert!(page.iter().all(|one| one.product != ProductId(40)));
}

#[test]
fn a_filter_admits_nothing_else() {
    let shop = Shop::new(facts(800), None);
    let blouse = Filter {
        kind: Some("블라우스".to_owned()),
        price_to: Some(50_000),
        season: Some(PersonalColor::Spring),
        ..Filter::default()
    };
    let page = shop.page(&of_season(PersonalColor::Winter), &blouse, &BTreeSet::new(), 1, 50);
    assert!(!page.is_empty());
    for one in page {
        let fact = shop.facts.get(one.product).unwrap();
        assert!(fact.price <= 50_000 && fact.seasons[0] >= 30);
        assert_eq!(Some(fact.kind), shop.facts.word("블라우스"));
    }
    let unknown = Filter { brand: Some("없는 브랜드".to_owned()), ..Filter::default() };
    assert_eq!(shop.page(&Taste::default(), &unknown, &BTreeSet::new(), 1, 50), []);
}

#[test]
fn similar_products_are_of_the_same_type_or_colour_with_and_without_vectors() {
    let (facts, with) = (facts(600), vectors(600));
    for vectors in [Some(&with), None] {
        let near = similar(&facts, vectors, ProductId(5), 5).unwrap().unwrap();
        let own = facts.get(ProductId(5)).unwrap();
        let alike = |id: &&ProductId| {
            let fact = facts.get(**id).unwrap();
            fact.kind == own.kind || fact.color == own.color
        };
        assert_eq!(near.iter().filter(alike).count(), 5, "{near:?}");
        assert!(!near.contains(&ProductId(5)));
    }
    assert_eq!(similar(&facts, None, ProductId(601), 5).unwrap(), None);
}
