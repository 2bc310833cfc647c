//! Rooms: who is in them, and that they do not exist for anybody else.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Stack, problem_of};

use super::{call, direct, group, log, say, unread};
use crate::people::relate;

#[sqlx::test(migrations = "../migrations")]
async fn a_pair_has_one_direct_room_whoever_opens_it_and_however_often(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let opening = (0..8).map(|n| {
        let (one, other) = if n % 2 == 0 { (&alice, &bob) } else { (&bob, &alice) };
        direct(one, other)
    });
    let mut rooms = join_all(opening).await;
    rooms.dedup();
    assert_eq!(rooms.len(), 1, "{rooms:?}");
    let list = alice.get("/v1/rooms").await.body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["peer"]["id"], bob.user());
    let own = alice.post("/v1/rooms", json!({ "userId": alice.user() })).await;
    assert_eq!(problem_of(&own).2, ["userId"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_left_or_never_was_there_finds_no_room(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob, eve) = (api.guest().await, api.guest().await, api.guest().await);
    let room = group(&alice, &[&bob]).await;
    assert_eq!(say(&alice, &room, "hello").await.status, 201);
    let member = format!("{room}/members/{}", bob.user());
    let calls = [
        (Method::GET, room.clone(), Value::Null),
        (Method::PATCH, room.clone(), json!({ "muted": true })),
        (Method::PATCH, room.clone(), json!({ "name": "mine" })),
        (Method::POST, format!("{room}/leave"), Value::Null),
        (Method::PUT, format!("{room}/picture"), json!({ "objectKey": "u/x/y.jpg" })),
        (Method::DELETE, format!("{room}/picture"), Value::Null),
        (Method::PUT, format!("{room}/read"), json!({})),
        (Method::GET, format!("{room}/members"), Value::Null),
        (Method::PUT, member.clone(), Value::Null),
        (Method::DELETE, member.clone(), Value::Null),
        (Method::GET, format!("{room}/messages"), Value::Null),
        (Method::GET, format!("{room}/messages?after=0"), Value::Null),
        (Method::POST, format!("{room}/messages"), json!({ "text": "hi" })),
        (Method::PATCH, format!("{room}/messages/1"), json!({ "text": "hi" })),
        (Method::DELETE, format!("{room}/messages/1"), Value::Null),
        (Method::POST, format!("{room}/messages/1/report"), json!({ "reason": "spam" })),
    ];
    for (method, path, body) in &calls {
        let answer = call(&eve, method.clone(), path, body.clone()).await;
        assert_eq!(problem_of(&answer).0, 404, "{method} {path}");
    }
    let left = call(&bob, Method::POST, &format!("{room}/leave"), Value::Null).await;
    assert_eq!(left.status, 204);
    for (method, path, body) in calls {
        let answer = call(&bob, method.clone(), &path, body).await;
        assert_eq!(problem_of(&answer).0, 404, "{method} {path}");
    }
    assert_eq!(bob.get("/v1/rooms").await.body["items"], json!([]));
    assert_eq!(log(&alice, &room, "").await[1].1, "left");
}

#[sqlx::test(migrations = "../migrations")]
async fn returning_shows_what_comes_and_nothing_of_before(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let room = direct(&alice, &bob).await;
    say(&alice, &room, "before").await;
    call(&bob, Method::POST, &format!("{room}/leave"), Value::Null).await;
    // Opening it again brings back whoever opens it, a message whom it is for.
    assert_eq!(direct(&bob, &alice).await, room);
    assert_eq!((log(&bob, &room, "").await.len(), unread(&bob, &room).await), (0, 0));
    call(&bob, Method::POST, &format!("{room}/leave"), Value::Null).await;
    assert_eq!(say(&alice, &room, "after").await.status, 201);
    assert_eq!(log(&bob, &room, "").await.iter().map(|e| &*e.1).collect::<Vec<_>>(), ["after"]);
    assert_eq!(unread(&bob, &room).await, 1);
    let report = format!("{room}/messages/1/report");
    let report = bob.post(&report, json!({ "reason": "spam" })).await;
    assert_eq!(problem_of(&report).0, 404, "of before");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_owner_of_a_group_alone_names_it_and_removes_members(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guests = join_all((0..3).map(|_| api.guest())).await;
    let (alice, bob, carol) = (&guests[0], &guests[1], &guests[2]);
    let room = group(alice, &[bob]).await;
    let code = |answer| problem_of(&answer).1;
    let name = json!({ "name": "여름" });
    assert_eq!(code(call(bob, Method::PATCH, &room, name.clone()).await), "room_owner_only");
    let renamed = call(alice, Method::PATCH, &room, name).await;
    assert_eq!((renamed.status.as_u16(), &renamed.body["name"]), (200, &json!("여름")));
    let member = |who: &toneup_testing::Client| format!("{room}/members/{}", who.user());
    for _ in 0..2 {
        let invited = call(bob, Method::PUT, &member(carol), Value::Null).await;
        assert_eq!(invited.status, 204);
    }
    assert_eq!(
        carol.get(&format!("{room}/members")).await.body["items"].as_array().unwrap().len(),
        3
    );
    let refused = call(bob, Method::DELETE, &member(carol), Value::Null).await;
    assert_eq!(code(refused), "room_owner_only");
    assert_eq!(call(alice, Method::DELETE, &member(carol), Value::Null).await.status, 204);
    assert_eq!(carol.get(&room).await.status, 404);
    let kinds: Vec<String> = log(alice, &room, "").await.into_iter().map(|entry| entry.1).collect();
    assert_eq!(kinds, ["여름", "joined", "removed"]);
    // Whoever stays longest inherits it.
    call(alice, Method::POST, &format!("{room}/leave"), Value::Null).await;
    assert_eq!(bob.get(&room).await.body["owner"], bob.user());
    let pair = direct(bob, carol).await;
    assert_eq!(code(call(bob, Method::PATCH, &pair, json!({ "name": "x" })).await), "not_a_group");
    let guest = format!("{pair}/members/{}", alice.user());
    assert_eq!(code(call(bob, Method::PUT, &guest, Value::Null).await), "not_a_group");
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_blocks_is_not_there_and_takes_no_messages(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob, eve) = (api.guest().await, api.guest().await, api.guest().await);
    let room = direct(&alice, &bob).await;
    relate(Method::PUT, &bob, "block", &alice).await;
    assert_eq!(problem_of(&say(&alice, &room, "hello").await).1, "room_closed");
    assert_eq!(problem_of(&say(&bob, &room, "hello").await).1, "room_closed");
    assert_eq!(alice.get(&room).await.body["peer"], json!(null));
    let open = json!({ "userId": bob.user() });
    assert_eq!(problem_of(&alice.post("/v1/rooms", open).await).0, 404);
    let open = json!({ "userId": alice.user() });
    assert_eq!(problem_of(&bob.post("/v1/rooms", open).await).1, "user_blocked");
    let invitation = json!({ "name": "x", "memberIds": [bob.user()] });
    assert_eq!(problem_of(&alice.post("/v1/rooms", invitation).await).2, ["memberIds"]);
    let own = group(&alice, &[&eve]).await;
    let again = async |name: &str| {
        let request = alice.request(Method::POST, "/v1/rooms").header("idempotency-key", "k");
        alice.send(request.json(&json!({ "name": name, "memberIds": [eve.user()] }))).await
    };
    let first = again("x").await.body;
    assert_eq!(again("x").await.body["id"], first["id"]);
    assert_eq!(problem_of(&again("y").await).1, "idempotency_key_reused");
    let member = format!("{own}/members/{}", bob.user());
    assert_eq!(problem_of(&call(&alice, Method::PUT, &member, Value::Null).await).0, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_list_has_the_newest_first_page_by_page(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let others = join_all((0..5).map(|_| api.guest())).await;
    let alice = api.guest().await;
    let mut rooms = Vec::new();
    for other in &others {
        rooms.push(direct(&alice, other).await);
    }
    for (other, room) in others.iter().zip(&rooms) {
        assert_eq!(say(other, room, "안녕하세요").await.status, 201);
    }
    assert_eq!(say(&others[0], &rooms[0], "again").await.status, 201);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = alice.get(&format!("/v1/rooms?limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        for room in page.body["items"].as_array().unwrap() {
            seen.push(format!("/v1/rooms/{}", room["id"].as_str().unwrap()));
        }
        let Some(next) = page.body["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(seen[0], rooms[0]);
    let first = alice.get(&rooms[0]).await.body;
    assert_eq!((&first["unread"], &first["preview"]["text"]), (&json!(2), &json!("again")));
}
