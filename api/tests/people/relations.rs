//! Following, blocking, muting: idempotent, exact, and heeded everywhere.

use std::collections::HashMap;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Answer, Client, Running, Stack, problem_of};

use super::{me, name, relate};

async fn guests(api: &Running, count: usize) -> Vec<Client> {
    join_all((0..count).map(|_| api.guest())).await
}

/// Does what a client may do, and asserts that it is done.
async fn put(client: &Client, what: &str, other: &Client) {
    let answer = relate(Method::PUT, client, what, other).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn delete(client: &Client, what: &str, other: &Client) {
    let answer = relate(Method::DELETE, client, what, other).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn counts(client: &Client) -> (u64, u64) {
    let own = me(client).await;
    (own["followers"].as_u64().unwrap(), own["following"].as_u64().unwrap())
}

async fn relation(client: &Client, other: &Client) -> Value {
    client.get(&format!("/v1/users/{}", other.user())).await.body["relation"].clone()
}

/// The ids of all people in a list, page by page.
async fn list(client: &Client, path: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}?limit=2{cursor}")).await;
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
async fn following_is_idempotent_and_counted(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let [alice, bob] = &guests(&api, 2).await[..] else { unreachable!() };
    for _ in 0..2 {
        put(alice, "follow", bob).await;
        assert_eq!((counts(alice).await, counts(bob).await), ((0, 1), (1, 0)));
    }
    let seen = relation(bob, alice).await;
    assert_eq!((&seen["isFollower"], &seen["isFollowing"]), (&json!(true), &json!(false)));
    put(bob, "follow", alice).await;
    assert_eq!((counts(alice).await, counts(bob).await), ((1, 1), (1, 1)));
    for _ in 0..2 {
        delete(alice, "follow", bob).await;
        assert_eq!((counts(alice).await, counts(bob).await), ((1, 0), (0, 1)));
    }
    for (method, what) in [
        (Method::PUT, "follow"),
        (Method::DELETE, "follow"),
        (Method::PUT, "block"),
        (Method::PUT, "mute"),
    ] {
        let oneself = relate(method, alice, what, alice).await;
        assert_eq!(problem_of(&oneself).2, ["id"], "{what}");
    }
    let nobody = format!("/v1/users/{}/follow", uuid::Uuid::now_v7());
    let nobody = alice.send(alice.request(Method::PUT, &nobody)).await;
    assert_eq!(problem_of(&nobody).0, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn lists_are_paged_from_the_latest(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guests = guests(&api, 6).await;
    let (alice, others) = guests.split_first().unwrap();
    for other in others {
        put(other, "follow", alice).await;
        put(alice, "follow", other).await;
    }
    let latest: Vec<&str> = others.iter().rev().map(Client::user).collect();
    let path = format!("/v1/users/{}", alice.user());
    for reader in [alice, &others[0]] {
        assert_eq!(list(reader, &format!("{path}/followers")).await, latest);
        assert_eq!(list(reader, &format!("{path}/following")).await, latest);
    }
    let path = format!("/v1/users/{}/followers", others[0].user());
    assert_eq!(list(alice, &path).await, [alice.user()]);
}

#[sqlx::test(migrations = "../migrations")]
async fn for_whoever_is_blocked_the_other_does_not_exist(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let [alice, bob, carol] = &guests(&api, 3).await[..] else { unreachable!() };
    name(alice, "blocker").await;
    for (one, other) in [(alice, bob), (bob, alice), (carol, alice), (alice, carol)] {
        put(one, "follow", other).await;
    }
    put(alice, "block", bob).await;
    put(alice, "block", bob).await;
    assert_eq!((counts(alice).await, counts(bob).await), ((1, 1), (0, 0)), "unfollowed both ways");

    let path = format!("/v1/users/{}", alice.user());
    for hidden in ["", "/followers", "/following"] {
        assert_eq!(problem_of(&bob.get(&format!("{path}{hidden}")).await).0, 404, "{hidden}");
    }
    for what in ["follow", "block", "mute"] {
        assert_eq!(problem_of(&relate(Method::PUT, bob, what, alice).await).0, 404, "{what}");
    }
    let found = bob.get("/v1/users?nickname=blocker").await;
    assert_eq!(found.body["items"], json!([]), "not by search");
    let carols = format!("/v1/users/{}/followers", carol.user());
    assert_eq!(list(bob, &carols).await, Vec::<String>::new(), "not in others' lists");
    assert_eq!(list(carol, &carols).await, [alice.user()]);

    let blocking = relate(Method::PUT, alice, "follow", bob).await;
    assert_eq!(problem_of(&blocking), (409, "user_blocked".to_owned(), vec![]));
    assert_eq!(relation(alice, bob).await["isBlocked"], true);
    assert_eq!(list(alice, "/v1/me/blocks").await, [bob.user()]);
    assert_eq!(list(bob, "/v1/me/blocks").await, Vec::<String>::new());
    for _ in 0..2 {
        delete(alice, "block", bob).await;
    }
    put(bob, "follow", alice).await;
    assert_eq!(relation(alice, bob).await["isFollower"], true);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_learns_of_being_muted(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let [alice, bob] = &guests(&api, 2).await[..] else { unreachable!() };
    put(bob, "follow", alice).await;
    let before = relation(bob, alice).await;
    put(alice, "mute", bob).await;
    assert_eq!(relation(bob, alice).await, before);
    assert_eq!(relation(alice, bob).await["isMuted"], true);
    assert_eq!(list(alice, "/v1/me/mutes").await, [bob.user()]);
    delete(alice, "mute", bob).await;
    assert_eq!(list(alice, "/v1/me/mutes").await, Vec::<String>::new());
}

/// Rows of `follows`, counted by what they are to a user.
async fn rows(db: &MySqlPool) -> HashMap<Vec<u8>, (i64, i64)> {
    let mut counted: HashMap<Vec<u8>, (i64, i64)> = HashMap::new();
    let rows: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT follower_id, followed_id FROM follows").fetch_all(db).await.unwrap();
    for (follower, followed) in rows {
        counted.entry(followed).or_default().0 += 1;
        counted.entry(follower).or_default().1 += 1;
    }
    counted
}

#[sqlx::test(migrations = "../migrations")]
async fn counts_are_the_rows_after_many_changes_at_once(db: MySqlPool) {
    const PEOPLE: usize = 8;
    let api = Stack::new(db.clone()).await.api().await;
    let people = guests(&api, PEOPLE).await;
    let mut numbers = Vec::new();
    for one in &people {
        numbers.push(me(one).await["number"].clone());
    }
    // Every pair in both directions, several times, in an order that makes them meet.
    let changes = (0..600_usize).map(|step| {
        let (one, other) = (step * 7 % PEOPLE, (step * 7 + 1 + step / 9 % (PEOPLE - 1)) % PEOPLE);
        let (people, numbers) = (&people, &numbers);
        async move {
            match step % 6 {
                0 | 1 => relate(Method::PUT, &people[one], "follow", &people[other]).await,
                2 => relate(Method::DELETE, &people[one], "follow", &people[other]).await,
                3 => relate(Method::PUT, &people[one], "mute", &people[other]).await,
                _ => {
                    let body = json!({ "targetUserId": numbers[other] });
                    people[one].post("/api/friends", body).await
                }
            }
        }
    });
    // As many at once as a busy replica has; more would wait for connections, not for locks.
    let answers: Vec<Answer> = stream::iter(changes).buffer_unordered(48).collect().await;
    let refused: Vec<_> = answers.iter().filter(|answer| !answer.status.is_success()).collect();
    assert!(refused.is_empty(), "{} refused: {:?}", refused.len(), refused.first());

    let rows = rows(&db).await;
    let users: Vec<(Vec<u8>, u32, u32)> =
        sqlx::query_as("SELECT id, followers, following FROM users").fetch_all(&db).await.unwrap();
    assert!(!rows.is_empty() && users.len() == PEOPLE);
    for (id, followers, following) in users {
        let expected = rows.get(&id).copied().unwrap_or_default();
        assert_eq!((i64::from(followers), i64::from(following)), expected);
    }
}
