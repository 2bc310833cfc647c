//! Feeds: exact at every request, page by page.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack, problem_of};

use super::{call, publish};
use crate::people::relate;

/// The texts of all posts of a feed, page by page.
pub(super) async fn texts(client: &Client, path: &str, limit: usize) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}?limit={limit}{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        found.extend(items.iter().map(|one| one["text"].as_str().unwrap().to_owned()));
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_home_feed_has_the_newest_of_those_one_follows(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let guests = join_all((0..6).map(|_| api.guest())).await;
    let (reader, authors) = guests.split_first().unwrap();
    assert_eq!(texts(reader, "/v1/feed", 5).await, Vec::<String>::new());
    for author in &authors[..4] {
        relate(Method::PUT, reader, "follow", author).await;
    }
    // The authors post in turns, some more than others; the last is not followed.
    let mut expected = Vec::new();
    for turn in 0..12_usize {
        let author = [0, 1, 0, 4, 2, 0, 3, 3, 0, 4, 1, 0][turn];
        let text = format!("{turn} by {author}");
        publish(&db, &authors[author], &[&text]).await;
        if author < 4 {
            expected.insert(0, text);
        }
    }
    for limit in [1, 2, 3, 5, 50] {
        assert_eq!(texts(reader, "/v1/feed", limit).await, expected, "pages of {limit}");
    }
    assert_eq!(texts(reader, "/v1/feed/newest", 5).await.len(), 12);
    // Whatever changes between two people is true at the next request.
    let without = |author: usize| -> Vec<String> {
        let ending = format!("by {author}");
        expected.iter().filter(|text| !text.ends_with(&ending)).cloned().collect()
    };
    relate(Method::DELETE, reader, "follow", &authors[0]).await;
    assert_eq!(texts(reader, "/v1/feed", 2).await, without(0));
    relate(Method::PUT, reader, "follow", &authors[0]).await;
    relate(Method::PUT, reader, "mute", &authors[1]).await;
    assert_eq!(texts(reader, "/v1/feed", 2).await, without(1));
    relate(Method::DELETE, reader, "mute", &authors[1]).await;
    relate(Method::PUT, &authors[3], "block", reader).await;
    assert_eq!(texts(reader, "/v1/feed", 2).await, without(3));
}

#[sqlx::test(migrations = "../migrations")]
async fn liked_posts_come_in_the_order_of_liking(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let ids = publish(&db, &alice, &["a", "b", "c", "d", "e"]).await;
    for place in [3, 0, 4, 1, 2, 0] {
        call(&bob, Method::PUT, &format!("/v1/posts/{}/like", ids[place])).await;
    }
    for limit in [1, 2, 10] {
        assert_eq!(texts(&bob, "/v1/feed/liked", limit).await, ["c", "b", "e", "a", "d"]);
    }
    call(&bob, Method::DELETE, &format!("/v1/posts/{}/like", ids[4])).await;
    assert_eq!(texts(&bob, "/v1/feed/liked", 2).await, ["c", "b", "a", "d"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_sees_those_they_block_or_mute_nor_is_seen_by_them(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let guests = join_all((0..4).map(|_| api.guest())).await;
    let [alice, bob, carol, dave] = &guests[..] else { unreachable!() };
    let mut ids = Vec::new();
    for (author, text) in [(alice, "a"), (bob, "b"), (carol, "c"), (dave, "d")] {
        ids.extend(publish(&db, author, &[text]).await);
    }
    for client in &guests {
        for id in &ids {
            call(client, Method::PUT, &format!("/v1/posts/{id}/like")).await;
        }
    }
    relate(Method::PUT, alice, "block", bob).await;
    relate(Method::PUT, alice, "mute", carol).await;
    let likers = async |client: &Client| -> HashSet<String> {
        let page = client.get(&format!("/v1/posts/{}/likes", ids[3])).await;
        let people = page.body["items"].as_array().unwrap();
        people.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let users = |clients: &[&Client]| -> HashSet<String> {
        clients.iter().map(|client| client.user().to_owned()).collect()
    };
    for (client, newest, people) in [
        (alice, "da", users(&[alice, dave])),
        (bob, "dcb", users(&[bob, carol, dave])),
        (carol, "dcba", users(&[alice, bob, carol, dave])),
    ] {
        assert_eq!(texts(client, "/v1/feed/newest", 2).await.concat(), newest);
        let mut liked: Vec<char> =
            texts(client, "/v1/feed/liked", 2).await.concat().chars().collect();
        liked.sort_by(|a, b| b.cmp(a));
        assert_eq!(liked.into_iter().collect::<String>(), newest);
        assert_eq!(likers(client).await, people);
    }
    let path = format!("/v1/users/{}/posts", carol.user());
    assert_eq!(texts(alice, &path, 5).await, Vec::<String>::new());
    assert_eq!(alice.get(&format!("/v1/posts/{}", ids[2])).await.status, 200, "if asked for");
    assert_eq!(problem_of(&alice.get(&format!("/v1/posts/{}", ids[1])).await).0, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn limits_and_cursors_are_checked(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    publish(&db, &alice, &["a", "b"]).await;
    let page: Value = alice.get("/v1/feed/newest?limit=1").await.body;
    let foreign = page["nextCursor"].as_str().unwrap();
    for feed in ["/v1/feed", "/v1/feed/liked", "/v1/me/posts", "/v1/diary"] {
        for limit in ["0", "51", "1000000000", "-1", "x"] {
            let refused = alice.get(&format!("{feed}?limit={limit}")).await;
            assert_eq!(problem_of(&refused).2, ["limit"], "{feed} {limit}");
        }
        for cursor in [foreign, "x", "", "1"] {
            let refused = alice.get(&format!("{feed}?cursor={cursor}")).await;
            assert_eq!(problem_of(&refused).2, ["cursor"], "{feed} {cursor}");
        }
    }
    assert_eq!(alice.get("/v1/feed").await.body, json!({ "items": [], "nextCursor": null }));
}
