//! A reader pages while others write: what was there from the beginning to the end is seen once, in all lists.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};
use reqwest::Method;
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack, make_pictures, problem_of};

use super::{call, jpeg, publish, write};
use crate::people::relate;

/// The ids of a list, page by page, as they are read.
async fn ids(client: &Client, path: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}?limit=3{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = page.body["items"].as_array().unwrap();
        found.extend(items.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn no_list_repeats_or_skips_while_others_write(db: MySqlPool) {
    const WRITERS: usize = 6;
    let stack = Stack::new(db.clone()).await;
    let replicas = [stack.api().await, stack.api().await];
    let reader = replicas[0].guest().await;
    let writers = join_all((0..WRITERS).map(|n| replicas[n % 2].guest())).await;
    let mut lasting = HashSet::new();
    for writer in &writers {
        relate(Method::PUT, &reader, "follow", writer).await;
        lasting.extend(publish(&db, writer, &["one", "two", "three", "four"]).await);
    }
    for id in &lasting {
        call(&reader, Method::PUT, &format!("/v1/posts/{id}/like")).await;
    }
    let lasting_ids: Vec<&String> = lasting.iter().collect();
    let is_over = AtomicBool::new(false);
    let writing = writers.iter().enumerate().map(|(n, writer)| {
        let (db, is_over, lasting) = (&db, &is_over, &lasting_ids);
        let others = &writers;
        async move {
            let key = writer.upload(jpeg()).await;
            let mut step = n;
            while !is_over.load(Ordering::Relaxed) && step < n + 70 {
                step += 1;
                let liked = lasting[(step * 7 + n * 5) % lasting.len()];
                call(writer, Method::PUT, &format!("/v1/posts/{liked}/like")).await;
                if step.is_multiple_of(3) {
                    let post = write(writer, "brief", &key).await;
                    make_pictures(db).await;
                    let path = format!("/v1/posts/{}", post["id"].as_str().unwrap());
                    assert_eq!(call(writer, Method::DELETE, &path).await.status, 204);
                }
                let method = if step.is_multiple_of(2) { Method::PUT } else { Method::DELETE };
                relate(method, writer, "follow", &others[(n + 1) % WRITERS]).await;
            }
        }
    });
    let reading = async {
        for _ in 0..3 {
            for path in ["/v1/feed", "/v1/feed/newest", "/v1/feed/ranking", "/v1/feed/liked"] {
                let mut times: HashMap<String, usize> = HashMap::new();
                for id in ids(&reader, path).await {
                    *times.entry(id).or_default() += 1;
                }
                assert!(times.values().all(|count| *count == 1), "{path} repeats: {times:?}");
                let skipped: Vec<_> =
                    lasting.iter().filter(|id| !times.contains_key(*id)).collect();
                assert!(skipped.is_empty(), "{path} skips {skipped:?}");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    };
    join(reading, join_all(writing)).await;
    let mut conn = db.acquire().await.unwrap();
    for counter in toneup_people::counters::check(&mut conn).await.unwrap() {
        assert_eq!(counter.differences, [], "{}", counter.counter);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_ranking_is_the_same_at_all_replicas_and_lasts(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let replicas = [stack.api().await, stack.api().await];
    let (alice, bob) = (replicas[0].guest().await, replicas[0].guest().await);
    let posts = publish(&db, &alice, &["a", "b", "c", "d"]).await;
    for id in [&posts[1], &posts[2]] {
        call(&bob, Method::PUT, &format!("/v1/posts/{id}/like")).await;
    }
    call(&alice, Method::PUT, &format!("/v1/posts/{}/like", posts[1])).await;
    let first = alice.get("/v1/feed/ranking?limit=2").await.body;
    let texts = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&first), ["b", "c"]);
    // Likes that come meanwhile, and another replica, change nothing for whoever pages.
    for client in [&alice, &bob] {
        call(client, Method::PUT, &format!("/v1/posts/{}/like", posts[3])).await;
    }
    let elsewhere = replicas[1].anonymous();
    let next = format!("/v1/feed/ranking?limit=2&cursor={}", first["nextCursor"].as_str().unwrap());
    let token = alice.session["accessToken"].as_str().unwrap();
    let rest = elsewhere.send(elsewhere.request(Method::GET, &next).bearer_auth(token)).await.body;
    assert_eq!(
        (texts(&rest), rest["nextCursor"].is_null()),
        (vec!["d".to_owned(), "a".to_owned()], true)
    );
    sqlx::query("DELETE FROM rankings").execute(&db).await.unwrap();
    let third = stack.api().await.anonymous();
    let gone = third.send(third.request(Method::GET, &next).bearer_auth(token)).await;
    assert_eq!(problem_of(&gone), (410, "cursor_expired".to_owned(), vec![]));
}
