//! Recommendations for people who do not exist: what they find of what these people like, how much of the catalogue is shown,
//! how well the colours suit, and how fast it is.
//!
//! A person has a season and three types of products. Four of five likes are of these types in colours of the season, chosen by
//! popularity; the fifth is any product, by popularity. A product's popularity is lognormal. One like of each person is left
//! out and looked for.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use toneup_catalogue::embeddings::Vectors;
use toneup_catalogue::generate::TYPES;
use toneup_catalogue::live::{Fact, Facts, Filter};
use toneup_catalogue::product::ProductId;
use toneup_catalogue::product::palettes::{distance, palette};
use toneup_catalogue::recommend::{Recommender, Request, Taste};
use toneup_colour::result::PersonalColor;

use super::load::Loaded;
use super::shop::{self, Shop};
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};

/// People whose likes make products popular, and those of them for whom is recommended; of a full and of a quick run.
const PEOPLE: (usize, usize) = (5000, 1000);
const ASKED: (usize, usize) = (1000, 150);
/// Likes of a person, and types of products that a person buys.
const LIKES: usize = 12;
const KINDS: usize = 3;
/// Spread of the logarithm of popularity.
const SPREAD: f32 = 1.0;
/// Weight from which a product is in a person's colours.
const OWN_COLOUR: u8 = 60;
/// Products that are looked at: a first glance, a page, and all that somebody scrolls through.
const GLANCE: usize = 10;
const PAGE: usize = 20;
const SCROLLED: usize = 100;
/// Threads at once, and for how long.
const THREADS: usize = 2;
const BUSY: Duration = Duration::from_secs(4);

/// A person, and the like that is left out.
struct Person {
    season: usize,
    taste: Taste,
    left_out: ProductId,
}

/// Facts, vectors and what recommends.
struct Bench {
    facts: Facts,
    vectors: Vectors,
    recommender: Recommender,
}

/// Asks for recommendations for many people.
pub(super) fn run(
    quick: bool,
    shop: &Shop,
    loaded: &Loaded,
    report: &mut Report,
) -> anyhow::Result<()> {
    let generation = Vectors::current(&loaded.directory)?.context("no embeddings")?;
    let vectors = Vectors::open(&loaded.directory, &generation)?;
    let mut bench =
        Bench { facts: shop.facts(loaded.products), vectors, recommender: Recommender::default() };
    let (many, asked) = if quick { (PEOPLE.1, ASKED.1) } else { (PEOPLE.0, ASKED.0) };
    let people = people(&bench.facts, many);
    let mut likes: HashMap<ProductId, u32> = HashMap::new();
    for id in people.iter().flat_map(|person| &person.taste.likes) {
        *likes.entry(*id).or_default() += 1;
    }
    bench.facts.set_likes(&likes);
    let people = &people[..asked];
    bench.speed(people, report)?;
    bench.quality(people, report)
}

impl Bench {
    fn recommend(&self, person: &Person, seed: u64, most: usize) -> anyhow::Result<Vec<ProductId>> {
        let filter = Filter::default().prepare(&self.facts);
        let request = Request {
            taste: &person.taste,
            filter: &filter,
            shown: &BTreeSet::new(),
            seed,
            most,
            now: shop::NOW,
        };
        let list = self.recommender.recommend(&self.facts, Some(&self.vectors), &request)?;
        Ok(list.into_iter().map(|one| one.product).collect())
    }

    fn speed(&self, people: &[Person], report: &mut Report) -> anyhow::Result<()> {
        let mut times = Vec::with_capacity(people.len());
        for (seed, person) in (0..).zip(people) {
            let begun = Instant::now();
            self.recommend(person, seed, PAGE)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let times = Sorted::new(times);
        let begun = Instant::now();
        let work = || -> anyhow::Result<u32> {
            let mut done = 0;
            for (seed, person) in (0..).zip(people.iter().cycle()) {
                self.recommend(person, seed, PAGE)?;
                done += 1;
                if begun.elapsed() >= BUSY {
                    break;
                }
            }
            Ok(done)
        };
        let done: u32 = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter();
            joined
                .map(|one| one.join().map_err(|_| anyhow!("a thread has failed"))?)
                .sum::<anyhow::Result<u32>>()
        })?;
        let per_second = f64::from(done) / begun.elapsed().as_secs_f64();
        let p99 = times.percentile(99.0);
        report.next_table();
        report.row(
            Row::default()
                .with("what", "a page of recommendations, with twelve likes")
                .with("products", self.facts.all().len())
                .number("median_ms", times.median())
                .number("p99_ms", p99)
                .count("per_s", per_second)
                .wanted("p99 <= 20 ms, >= 200/s", p99 <= 20.0 && per_second >= 200.0),
        )
    }

    fn quality(&self, people: &[Person], report: &mut Report) -> anyhow::Result<()> {
        let all = self.facts.all();
        let mut popular: Vec<&Fact> = all.iter().collect();
        popular.sort_by(|one, other| other.likes.cmp(&one.likes).then(one.id.cmp(&other.id)));
        let (mut hits, mut popular_hits, mut by_chance) = (0_u32, 0_u32, 0.0);
        let mut shown: HashSet<ProductId> = HashSet::new();
        let mut differences: Vec<Vec<f64>> = vec![Vec::new(); PersonalColor::ALL.len()];
        for (seed, person) in (0..).zip(people) {
            let list = self.recommend(person, seed, SCROLLED)?;
            hits += u32::from(list[..GLANCE.min(list.len())].contains(&person.left_out));
            let liked: HashSet<ProductId> = person.taste.likes.iter().copied().collect();
            let of_season = |fact: &&Fact| fact.seasons[person.season] >= 30;
            let first = popular.iter().filter(|fact| of_season(fact) && !liked.contains(&fact.id));
            popular_hits += u32::from(first.take(GLANCE).any(|fact| fact.id == person.left_out));
            let left_out = self.facts.get(person.left_out).context("a product is missing")?;
            if of_season(&left_out) {
                let count = u32::try_from(all.iter().filter(of_season).count())?;
                by_chance += f64::from(u32::try_from(GLANCE)?) / f64::from(count);
            }
            let palette = palette(PersonalColor::ALL[person.season]);
            differences[person.season].extend(list.iter().take(PAGE).filter_map(|id| {
                let (_, lab) = self.facts.get(*id)?.colour?;
                Some(f64::from(distance(lab, palette)))
            }));
            shown.extend(list);
        }
        let people_count = f64::from(u32::try_from(people.len())?);
        let (rate, popular_rate, by_chance) = (
            f64::from(hits) / people_count,
            f64::from(popular_hits) / people_count,
            by_chance / people_count,
        );
        report.next_table();
        report.row(
            Row::default()
                .with("what", "one like left out, hit rate at 10")
                .with("people", people.len())
                .number("hit_rate", rate)
                .number("popular_in_season", popular_rate)
                .number("random_in_season", by_chance)
                .wanted(
                    ">= 3 x random, >= popular",
                    rate >= 3.0 * by_chance && rate >= popular_rate,
                ),
        )?;
        self.coverage(people.len(), &shown, report)?;
        self.colours(differences, report)
    }

    fn coverage(
        &self,
        people: usize,
        shown: &HashSet<ProductId>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "a number of products")]
        let share = shown.len() as f64 / self.facts.all().len() as f64;
        report.next_table();
        let row = Row::default()
            .with("what", "share of the catalogue that is shown")
            .with("people", people)
            .with("products_each", SCROLLED)
            .number("coverage", share);
        // Fewer people see less.
        let is_full = people >= ASKED.0;
        report.row(if is_full { row.wanted(">= 0.60", share >= 0.6) } else { row })
    }

    fn colours(&self, differences: Vec<Vec<f64>>, report: &mut Report) -> anyhow::Result<()> {
        report.next_table();
        for (season, differences) in PersonalColor::ALL.into_iter().zip(differences) {
            let colours = self.facts.all().iter().filter_map(|fact| fact.colour);
            let every =
                Sorted::new(colours.map(|(_, lab)| f64::from(distance(lab, palette(season)))));
            let count = f64::from(u32::try_from(differences.len().max(1))?);
            let mean = differences.iter().sum::<f64>() / count;
            let tenth = every.percentile(10.0);
            report.row(
                Row::default()
                    .with("difference_from_palette", season.as_str())
                    .number("mean_of_top_20", mean)
                    .number("tenth_percentile", tenth)
                    .number("median_of_all", every.median())
                    .wanted("mean <= tenth percentile", mean <= tenth),
            )?;
        }
        Ok(())
    }
}

/// People, and what they like.
fn people(facts: &Facts, count: usize) -> Vec<Person> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
    let mut all: Vec<&Fact> = facts.all().iter().collect();
    all.sort_by_key(|fact| fact.id);
    let popularity: Vec<f32> = all.iter().map(|_| (SPREAD * gaussian(&mut rng)).exp()).collect();
    let kinds: Vec<u32> = TYPES.iter().filter_map(|kind| facts.word(kind.name)).collect();
    (0..count)
        .map(|number| {
            let season = number % PersonalColor::ALL.len();
            let own: Vec<u32> =
                (0..KINDS).map(|_| kinds[rng.random_range(0..kinds.len())]).collect();
            let is_own =
                |fact: &Fact| own.contains(&fact.kind) && fact.seasons[season] >= OWN_COLOUR;
            let pool: Vec<usize> = (0..all.len()).filter(|place| is_own(all[*place])).collect();
            let mut likes: Vec<ProductId> = Vec::with_capacity(LIKES + 1);
            while likes.len() <= LIKES {
                let place = if rng.random_bool(0.8) && !pool.is_empty() {
                    pool[rng.random_range(0..pool.len())]
                } else {
                    rng.random_range(0..all.len())
                };
                // Taken as often as it is popular.
                let id = all[place].id;
                if rng.random_range(0.0..8.0) < popularity[place] && !likes.contains(&id) {
                    likes.push(id);
                }
            }
            let left_out = likes.swap_remove(rng.random_range(0..likes.len()));
            let season_of = PersonalColor::ALL[season];
            let taste = Taste {
                season: Some(season_of),
                palette: palette(season_of).to_vec(),
                confidence: 0.8,
                version: None,
                likes,
            };
            Person { season, taste, left_out }
        })
        .collect()
}

/// About normally distributed: the sum of twelve uniform numbers.
fn gaussian(rng: &mut Xoshiro256PlusPlus) -> f32 {
    (0..12).map(|_| rng.random_range(-0.5_f32..0.5)).sum()
}
