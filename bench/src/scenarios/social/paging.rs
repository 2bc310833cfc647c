//! A reader pages through every list while fifty others post, delete, like and follow: what lasts is seen once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use hyper::Method;
use serde_json::Value;
use sqlx::MySqlConnection;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::crowd::{Crowd, Person};
use super::fill::{POSTS_BEFORE, READER, WRITERS_POSTS, id, writers};
use super::posting::{publish, upload};
use crate::load::signer::Signer;
use crate::load::wire::Wire;
use crate::report::Row;
use crate::scenarios::common::Bench;
use crate::site::Site;

/// Times that each list is read through, in a full and in a quick run.
const ROUNDS: (usize, usize) = (5, 2);
/// Pause between two steps of a writer.
const PAUSE: Duration = Duration::from_millis(100);
/// Of so many steps one is a post, which is deleted at the next; 120 an hour are allowed.
const POSTING: usize = 8;
/// Pages of the list that does not end soon.
const MOST_PAGES: usize = 40;
/// The lists.
const LISTS: [&str; 4] = ["/v1/feed", "/v1/feed/newest", "/v1/feed/liked", "/v1/feed/ranking"];

/// What the writers have done.
#[derive(Debug, Default)]
struct Written {
    steps: AtomicUsize,
    failures: AtomicUsize,
}

/// Reads through a list, and what was wrong.
#[derive(Debug, Default)]
struct Seen {
    pages: usize,
    entries: usize,
    repeats: usize,
    gaps: usize,
}

/// Measures each list.
pub(super) async fn measure(bench: &Bench<'_>, site: &Site) -> anyhow::Result<Vec<Row>> {
    let signer = Signer::of(&site.api).await?;
    let reader = Person::new(&signer, READER)?;
    let crowd = Crowd::of(site, writers()).await?;
    let (written, stop) = (Arc::new(Written::default()), CancellationToken::new());
    let mut writing = JoinSet::new();
    for writer in 0..crowd.0.len() {
        let key = upload(&site.api, crowd.turn(writer)).await?;
        let (crowd, written, stop) = (crowd.clone(), Arc::clone(&written), stop.clone());
        let mut wire = Wire::new(&site.api);
        writing.spawn(async move {
            stop.run_until_cancelled(written.write(&mut wire, &crowd, writer, &key)).await;
        });
    }
    let mut conn = site.connect().await?;
    let (whole, quick) = ROUNDS;
    let rounds = if bench.quick { quick } else { whole };
    let mut rows = Vec::new();
    for list in LISTS {
        let mut seen = Seen::default();
        for _ in 0..rounds {
            read(&mut seen, site, &mut conn, &reader, list).await.context(list)?;
        }
        let met = seen.repeats == 0 && seen.gaps == 0;
        let row = Row::default()
            .with("what", format!("{list} while fifty write"))
            .with("pages", seen.pages)
            .with("entries", seen.entries)
            .with("repeats", seen.repeats)
            .with("gaps", seen.gaps)
            .with("written_meanwhile", written.steps.swap(0, Ordering::Relaxed))
            .with("failures", written.failures.swap(0, Ordering::Relaxed));
        rows.push(row.wanted("no repeat, no gap", met));
    }
    stop.cancel();
    writing.join_all().await;
    Ok(rows)
}

impl Written {
    /// One writer's steps, until it is dropped.
    async fn write(&self, wire: &mut Wire, crowd: &Crowd, writer: usize, key: &str) {
        let person = crowd.turn(writer);
        let other = crowd.turn(writer + 1).id;
        let mut brief: Option<String> = None;
        for step in writer.. {
            let done = if let Some(post) = brief.take() {
                delete(wire, person, &post).await
            } else if step.is_multiple_of(POSTING) {
                let posted = publish(wire, person, key).await;
                posted.map(|post| brief = Some(post))
            } else if step.is_multiple_of(3) {
                let method = if step.is_multiple_of(2) { Method::PUT } else { Method::DELETE };
                send(wire, method, &format!("/v1/users/{other}/follow"), person).await
            } else {
                let post = u64::try_from(step * 7).unwrap_or_default() % (POSTS_BEFORE * 50);
                let method = if step.is_multiple_of(4) { Method::DELETE } else { Method::PUT };
                let path = format!("/v1/posts/{}/like", id(WRITERS_POSTS + 1 + post));
                send(wire, method, &path, person).await
            };
            let counted = if done.is_ok() { &self.steps } else { &self.failures };
            counted.fetch_add(1, Ordering::Relaxed);
            sleep(PAUSE).await;
        }
    }
}

async fn delete(wire: &mut Wire, person: &Person, post: &str) -> anyhow::Result<()> {
    send(wire, Method::DELETE, &format!("/v1/posts/{post}"), person).await
}

async fn send(wire: &mut Wire, method: Method, path: &str, person: &Person) -> anyhow::Result<()> {
    wire.ask(method, path, &person.token, None).await?.success().map(drop)
}

/// Reads a list through once.
async fn read(
    seen: &mut Seen,
    site: &Site,
    conn: &mut MySqlConnection,
    reader: &Person,
    list: &str,
) -> anyhow::Result<()> {
    let mut wire = Wire::new(&site.api);
    let (mut numbers, mut cursor, mut version) = (Vec::new(), None::<String>, None);
    for _ in 0..MOST_PAGES {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path = format!("{list}?limit=50{after}");
        let page = wire.ask(Method::GET, &path, &reader.token, None).await?.success()?;
        let items = page["items"].as_array().context("no items")?;
        numbers.extend(items.iter().filter_map(|item| item["number"].as_u64()));
        seen.pages += 1;
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        version = version.or_else(|| cursor.as_deref().and_then(version_of));
        if cursor.is_none() {
            break;
        }
    }
    let distinct: HashSet<u64> = numbers.iter().copied().collect();
    seen.entries += numbers.len();
    seen.repeats += numbers.len() - distinct.len();
    let expected = if list.ends_with("ranking") {
        ranked(conn, version.context("the ranking has one page")?).await?
    } else {
        lasting(conn).await?
    };
    seen.gaps += expected.iter().filter(|number| !distinct.contains(number)).count();
    Ok(())
}

/// Numbers of the posts that were there before.
async fn lasting(conn: &mut MySqlConnection) -> anyhow::Result<Vec<u64>> {
    let find = "SELECT number FROM posts WHERE id > ? AND id <= ?";
    let find = sqlx::query_scalar(find).bind(id(WRITERS_POSTS));
    Ok(find.bind(id(WRITERS_POSTS + POSTS_BEFORE * 50)).fetch_all(conn).await?)
}

/// The version of the ranking that a cursor continues.
fn version_of(cursor: &str) -> Option<u64> {
    u64::from_str_radix(cursor.strip_prefix("ranking-")?.split_once('-')?.0, 16).ok()
}

/// Numbers of the posts of a frozen ranking that are still shown.
async fn ranked(conn: &mut MySqlConnection, version: u64) -> anyhow::Result<Vec<u64>> {
    let find = sqlx::query_scalar("SELECT posts FROM rankings WHERE version = ?").bind(version);
    let bytes: Vec<u8> = find.fetch_one(&mut *conn).await?;
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).ok();
    let numbers: Vec<u64> = bytes.chunks_exact(8).filter_map(number).collect();
    let list = Value::from(numbers).to_string();
    let shown = "SELECT p.number FROM JSON_TABLE(?, '$[*]' COLUMNS (n BIGINT UNSIGNED PATH '$')) r
                 JOIN posts p ON p.number = r.n WHERE p.state = 'ready'";
    Ok(sqlx::query_scalar(shown).bind(list).fetch_all(conn).await?)
}
