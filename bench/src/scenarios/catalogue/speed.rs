//! A large catalogue and as many posts: how fast search and suggestions are, and how long the index takes to be rebuilt.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::live::{Batch, Consumer, Filter};
use toneup_catalogue::product::changes::SubjectKind;
use toneup_catalogue::search::{Document, Engine, Request, TantivyEngine};
use toneup_catalogue::suggest::Suggestions;

use super::growth::Growth;
use super::like::Like;
use super::{judged, shop};
use crate::measure::percentiles::Sorted;
use crate::report::{Report, Row};
use crate::site::Site;

/// Products, and posts, of a full run.
const MANY: u64 = 1_000_000;
/// Results of a page.
const PAGE: usize = 20;
/// Searches one after the other.
const SEARCHES: usize = 3000;
/// Queries of `LIKE`, each of which reads the table.
const LIKES: usize = 40;
/// Threads that search at once, and for how long.
const THREADS: usize = 2;
const BUSY: Duration = Duration::from_secs(4);

/// Measures search and suggestions.
pub(super) async fn run(
    quick: bool,
    site: &Site,
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let size = if quick { shop::SIZE } else { MANY };
    let texts = texts(size)?;
    rebuild(size, folder, &texts, report)?;
    let engine = TantivyEngine::in_directory(folder)?;
    shop::write(&engine, size, || {})?;
    write_posts(&engine, size)?;
    search(&engine, size, &texts, report)?;
    drop(engine);
    suggestions(size, &texts, report)?;
    like(site, size, &texts, report).await
}

/// What is searched for: the judged queries, and as many parts of names.
fn texts(size: u64) -> anyhow::Result<Vec<String>> {
    let mut texts: Vec<String> = judged::read()?.into_iter().map(|judged| judged.q).collect();
    let catalogue = Catalogue::new(shop::SEED);
    let names = (1..=size).step_by(usize::try_from(size)? / texts.len());
    let parts = names.map(|number| {
        let name = catalogue.product(number).name;
        let words: Vec<&str> = name.split_whitespace().collect();
        words[words.len().saturating_sub(2)..].join(" ")
    });
    texts.extend(parts.collect::<Vec<String>>());
    Ok(texts)
}

fn request(text: &str) -> Request {
    Request {
        text: text.to_owned(),
        kinds: vec![SubjectKind::Product],
        filter: Filter::default(),
        most: PAGE + 1,
        ..Request::default()
    }
}

/// Rebuilds the index of products while it is searched.
fn rebuild(size: u64, folder: &Path, texts: &[String], report: &mut Report) -> anyhow::Result<()> {
    shop::write(&TantivyEngine::in_directory(folder)?, size, || {})?;
    let engine = TantivyEngine::in_directory(folder)?;
    let (is_over, searched, empty) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let growth = Growth::begin();
    let begun = Instant::now();
    let (written, seconds) = thread::scope(|scope| {
        scope.spawn(|| {
            // One user who searches for what is in the index.
            for text in texts.iter().skip(texts.len() / 2).cycle() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let total = engine.search(&request(text)).map_or(0, |page| page.total);
                searched.fetch_add(1, Ordering::Relaxed);
                empty.fetch_add(u64::from(total == 0), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let written = shop::write(&engine, size, || {});
        let seconds = begun.elapsed().as_secs_f64();
        is_over.store(true, Ordering::Relaxed);
        (written, seconds)
    });
    written?;
    let grown = growth.end()?;
    let empty = empty.into_inner();
    report.next_table();
    #[expect(clippy::cast_precision_loss, reason = "a number of products")]
    let rate = size as f64 / seconds;
    // A part of the products may take a part of the time.
    let wanted = 60.0 * if size == MANY { 1.0 } else { 0.1 };
    report.row(
        Row::default()
            .with("what", "rebuild of the index while it is searched")
            .with("products", size)
            .number("seconds", seconds)
            .count("products_per_s", rate)
            .number("memory_grown_mib", grown)
            .with("searches", searched.into_inner())
            .with("searches_without_result", empty)
            .wanted(
                "1 M in <= 60 s, <= 50 MiB, none without result",
                seconds <= wanted && grown <= 50.0 && empty == 0,
            ),
    )
}

/// Writes posts that name products.
fn write_posts(engine: &dyn Engine, size: u64) -> anyhow::Result<()> {
    let catalogue = Catalogue::new(shop::SEED + 1);
    let post = |number: u64| {
        let names = [number, number + 1].map(|one| catalogue.product(one).name);
        let [one, other] = names;
        Document::of_post(
            number,
            format!("오늘은 {one} 입고 {other} 들었어요! 날씨가 좋아서 기분도 좋네요"),
        )
    };
    let numbers: Vec<u64> = (1..=size).collect();
    for part in numbers.chunks(1000) {
        let documents: Vec<Document> = part.iter().map(|number| post(*number)).collect();
        engine.write(&documents, &[])?;
    }
    Ok(engine.commit()?)
}

fn search(
    engine: &TantivyEngine,
    size: u64,
    texts: &[String],
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut times = Vec::with_capacity(SEARCHES);
    let mut slowest: Vec<(f64, &str)> = Vec::new();
    for (number, text) in texts.iter().cycle().take(SEARCHES).enumerate() {
        let begun = Instant::now();
        engine.search(&request(text))?;
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        times.push(ms);
        // The second time each, with what the first has read.
        if (texts.len()..2 * texts.len()).contains(&number) {
            slowest.push((ms, text));
        }
    }
    slowest.sort_by(|one, other| other.0.total_cmp(&one.0));
    let per_second = at_once(engine, texts)?;
    let times = Sorted::new(times);
    let (median, p99) = (times.median(), times.percentile(99.0));
    report.next_table();
    report.row(
        Row::default()
            .with("what", "search")
            .with("products", size)
            .with("posts", size)
            .number("median_ms", median)
            .number("p99_ms", p99)
            .count("per_s", per_second)
            .wanted(
                "<= 2 ms, p99 <= 8 ms, >= 1000/s",
                median <= 2.0 && p99 <= 8.0 && per_second >= 1000.0,
            ),
    )?;
    let slowest: Vec<String> =
        slowest.iter().take(5).map(|(ms, text)| format!("{text} ({ms:.1} ms)")).collect();
    report.remark(format!("Slowest: {}.", slowest.join(", ")))
}

/// Searches a second, of several threads.
fn at_once(engine: &TantivyEngine, texts: &[String]) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let search = |first: usize| -> anyhow::Result<u32> {
        let mut done = 0;
        for text in texts.iter().cycle().skip(first * texts.len() / THREADS) {
            engine.search(&request(text))?;
            done += 1;
            if begun.elapsed() >= BUSY {
                break;
            }
        }
        Ok(done)
    };
    let done: u32 = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|first| scope.spawn(move || search(first))).collect();
        let joined = threads.into_iter();
        joined
            .map(|one| one.join().map_err(|_| anyhow!("a thread has failed"))?)
            .sum::<anyhow::Result<u32>>()
    })?;
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

/// Suggests at each keystroke of the texts.
fn suggestions(size: u64, texts: &[String], report: &mut Report) -> anyhow::Result<()> {
    let suggestions = Suggestions::default();
    let numbers: Vec<u64> = (1..=size).collect();
    for part in numbers.chunks(10_000) {
        let present = part.iter().map(|number| shop::stored(*number)).collect();
        suggestions.apply(&Batch { present, gone: Vec::new() });
    }
    let begun = Instant::now();
    suggestions.flush();
    let built = begun.elapsed().as_secs_f64();
    let index = suggestions.index();
    let mut times = Vec::new();
    for text in texts {
        let characters: Vec<char> = text.chars().collect();
        for end in 1..=characters.len() {
            let typed: String = characters[..end].iter().collect();
            let begun = Instant::now();
            index.suggest(&typed);
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    let times = Sorted::new(times);
    report.row(
        Row::default()
            .with("what", "suggestions")
            .with("products", size)
            .number("median_ms", times.median())
            .number("p99_ms", times.percentile(99.0))
            .number("build_s", built)
            .wanted("p99 <= 2 ms", times.percentile(99.0) <= 2.0),
    )
}

/// The first server's query over a table of the same products.
async fn like(site: &Site, size: u64, texts: &[String], report: &mut Report) -> anyhow::Result<()> {
    let mut like = Like::of_many(site, size).await?;
    let mut times = Vec::with_capacity(LIKES);
    for text in texts.iter().step_by(texts.len().div_ceil(LIKES)) {
        let begun = Instant::now();
        like.find(text).await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let times = Sorted::new(times);
    report.row(
        Row::default()
            .with("what", "the first server's LIKE")
            .with("products", size)
            .number("median_ms", times.median())
            .number("p99_ms", times.percentile(99.0)),
    )
}
