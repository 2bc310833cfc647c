//! Messages over HTTP: stored once, in one order, read, changed, deleted and reported.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Stack, problem_of};

use super::{call, direct, group, log, say, unread};

#[sqlx::test(migrations = "../migrations")]
async fn a_message_that_is_sent_again_is_the_same_one(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let room = direct(&alice, &bob).await;
    let path = format!("{room}/messages");
    let message = json!({ "text": "안녕 👋🏽", "clientKey": "one" });
    let together = join_all((0..8).map(|_| alice.post(&path, message.clone()))).await;
    let statuses: Vec<u16> = together.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(together.iter().all(|answer| answer.body == together[0].body), "{together:?}");
    // A key is its sender's own.
    assert_eq!(bob.post(&path, message).await.status, 201);
    let other = alice.post(&path, json!({ "text": "another", "clientKey": "one" })).await;
    assert_eq!(problem_of(&other).1, "client_key_reused");
    assert_eq!(log(&alice, &room, "").await, [(1, "안녕 👋🏽".into()), (2, "안녕 👋🏽".into())]);
}

#[sqlx::test(migrations = "../migrations")]
async fn numbers_have_no_gaps_and_pages_go_both_ways(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guests = join_all((0..4).map(|_| api.guest())).await;
    let room = group(&guests[0], &[&guests[1], &guests[2], &guests[3]]).await;
    let sending = (0..40).map(|n| {
        let (guest, room) = (&guests[n % 4], &room);
        async move { assert_eq!(say(guest, room, &n.to_string()).await.status, 201) }
    });
    join_all(sending).await;
    let all = log(&guests[0], &room, "?after=0&limit=100").await;
    assert_eq!(all.iter().map(|entry| entry.0).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    assert_eq!(log(&guests[1], &room, "?limit=15").await, all[25..]);
    assert_eq!(log(&guests[1], &room, "?before=11&limit=4").await, all[6..10]);
    assert_eq!(log(&guests[1], &room, "?after=10&limit=4").await, all[10..14]);
    let page = guests[2].get(&format!("{room}/messages?after=36&limit=4")).await.body;
    assert_eq!((&page["more"], &page["lastSeq"]), (&json!(false), &json!(40)));
    for (query, field) in
        [("limit=0", "limit"), ("limit=101", "limit"), ("before=1&after=1", "after")]
    {
        let answer = guests[0].get(&format!("{room}/messages?{query}")).await;
        assert_eq!(problem_of(&answer).2, [field]);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_search_finds_what_its_searcher_may_see_page_by_page(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let room = group(&alice, &[&bob]).await;
    for text in ["봄 립스틱", "여름", "봄 50%", "가을_봄", "봄 a%b"] {
        assert_eq!(say(&alice, &room, text).await.status, 201);
    }
    let path = format!("{room}/messages");
    let gone = alice.get(&path).await.body["items"][4]["seq"].clone();
    call(&alice, Method::DELETE, &format!("{path}/{gone}"), Value::Null).await;
    let texts = |body: &Value| -> Vec<String> {
        let items = body["items"].as_array().unwrap().iter();
        items.map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
    };
    let page = bob.get(&format!("{path}?q=%EB%B4%84&limit=2")).await.body;
    assert_eq!(texts(&page), ["가을_봄", "봄 50%"]);
    let next = page["nextBefore"].as_u64().unwrap();
    let page = bob.get(&format!("{path}?q=%EB%B4%84&limit=2&before={next}")).await.body;
    assert_eq!((texts(&page), &page["nextBefore"]), (vec!["봄 립스틱".to_owned()], &Value::Null));
    // Signs of patterns are searched for as they are.
    assert_eq!(texts(&bob.get(&format!("{path}?q=0%25")).await.body), ["봄 50%"]);
    assert_eq!(texts(&bob.get(&format!("{path}?q=_")).await.body), ["가을_봄"]);
    for (query, field) in [("q=", "q"), ("q=a&after=1", "after")] {
        assert_eq!(problem_of(&bob.get(&format!("{path}?{query}")).await).2, [field]);
    }
    // Whoever comes later finds nothing of what was before; whoever is not there, nothing at all.
    let carol = api.guest().await;
    assert_eq!(carol.get(&format!("{path}?q=a")).await.status, 404);
    let id = carol.user();
    call(&alice, Method::PUT, &format!("{room}/members/{id}"), Value::Null).await;
    let page = carol.get(&format!("{path}?q=%EB%B4%84")).await.body;
    assert_eq!((texts(&page), &page["nextBefore"]), (Vec::new(), &Value::Null));
    // A call looks at a bounded number of entries, and says where to go on.
    let head = "SELECT id, last_seq FROM rooms";
    let (room_id, last): (uuid::Uuid, u64) = sqlx::query_as(head).fetch_one(&db).await.unwrap();
    let padding = "INSERT INTO messages (room_id, seq, id, kind, body, counted, sent_at)
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)
        SELECT ?, ? + (a.n - 1) * 900 + b.n, ?, 'text', 'x', 1, NOW(3)
        FROM (SELECT n FROM n WHERE n <= 6) a CROSS JOIN n b";
    let padding = sqlx::query(padding).bind(room_id).bind(last).bind(room_id);
    let added = padding.execute(&db).await.unwrap().rows_affected();
    let grow = sqlx::query("UPDATE rooms SET last_seq = last_seq + ?").bind(added);
    grow.execute(&db).await.unwrap();
    let page = alice.get(&format!("{path}?q=%EB%A6%BD")).await.body;
    assert_eq!((texts(&page), &page["nextBefore"]), (Vec::new(), &json!(last + added - 4999)));
    let next = &page["nextBefore"];
    let page = alice.get(&format!("{path}?q=%EB%A6%BD&before={next}")).await.body;
    assert_eq!((texts(&page), &page["nextBefore"]), (vec!["봄 립스틱".to_owned()], &Value::Null));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_read_is_counted_for_the_reader_and_beside_each_message(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guests = join_all((0..3).map(|_| api.guest())).await;
    let (alice, bob, carol) = (&guests[0], &guests[1], &guests[2]);
    let room = group(alice, &[bob, carol]).await;
    for text in ["1", "2", "3"] {
        say(alice, &room, text).await;
    }
    assert_eq!((unread(alice, &room).await, unread(bob, &room).await), (0, 3));
    let read = |seq: Value| {
        let room = room.clone();
        async move { call(bob, Method::PUT, &format!("{room}/read"), json!({ "seq": seq })).await }
    };
    assert_eq!(read(json!(2)).await.body, json!({ "readSeq": 2, "unread": 1 }));
    assert_eq!(read(json!(1)).await.body["readSeq"], 2, "a mark never goes back");
    let counts = |body: &Value| -> Vec<u64> {
        body["items"].as_array().unwrap().iter().map(|e| e["unread"].as_u64().unwrap()).collect()
    };
    let page = alice.get(&format!("{room}/messages")).await.body;
    assert_eq!(counts(&page), [1, 1, 2]);
    assert_eq!(read(json!(null)).await.body["unread"], 0);
    assert_eq!(read(json!(999)).await.body["readSeq"], 3);
    // Whoever writes has read what came before.
    say(carol, &room, "4").await;
    assert_eq!((unread(carol, &room).await, unread(bob, &room).await), (0, 1));
    call(bob, Method::POST, &format!("{room}/leave"), Value::Null).await;
    let page = alice.get(&format!("{room}/messages?limit=2")).await.body;
    assert_eq!(counts(&page), [1, 0]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_message_is_changed_by_its_sender_and_deleted_without_a_gap(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let room = direct(&alice, &bob).await;
    say(&alice, &room, "wrng").await;
    let message = format!("{room}/messages/1");
    let edit = |text: &str| json!({ "text": text });
    let foreign = call(&bob, Method::PATCH, &message, edit("x")).await;
    assert_eq!(problem_of(&foreign).1, "message_not_yours");
    assert_eq!(call(&alice, Method::PATCH, &message, edit("typo")).await.status, 204);
    let page = bob.get(&format!("{room}/messages")).await.body;
    let items = &page["items"];
    assert_eq!((&items[0]["text"], items[0]["editedAt"].is_string()), (&json!("typo"), true));
    assert_eq!((&items[1]["kind"], &items[1]["target"]), (&json!("edited"), &json!(1)));
    assert_eq!(bob.get(&room).await.body["preview"]["text"], "typo");
    assert_eq!(
        problem_of(&call(&bob, Method::DELETE, &message, Value::Null).await).1,
        "message_not_yours"
    );
    for _ in 0..2 {
        assert_eq!(call(&alice, Method::DELETE, &message, Value::Null).await.status, 204);
    }
    let page = bob.get(&format!("{room}/messages")).await.body;
    assert_eq!(page["items"].as_array().unwrap().len(), 3, "safe to repeat");
    assert_eq!(
        (&page["items"][0]["text"], &page["items"][0]["isDeleted"]),
        (&json!(null), &json!(true))
    );
    assert_eq!(bob.get(&room).await.body["preview"]["kind"], "deleted");
    assert_eq!(
        problem_of(&call(&alice, Method::PATCH, &message, edit("x")).await).1,
        "message_deleted"
    );
    // What happened is no message: it cannot be changed.
    let entry = format!("{room}/messages/2");
    assert_eq!(problem_of(&call(&alice, Method::DELETE, &entry, Value::Null).await).0, 404);
    assert_eq!(unread(&bob, &room).await, 1, "a deleted message keeps its place");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operator_sees_what_a_reported_message_said_and_removes_it(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let room = direct(&alice, &bob).await;
    say(&alice, &room, "buy this").await;
    say(&alice, &room, "or that").await;
    for seq in [1, 2] {
        let report = format!("{room}/messages/{seq}/report");
        assert_eq!(bob.post(&report, json!({ "reason": "fraud" })).await.status, 204);
    }
    call(&alice, Method::DELETE, &format!("{room}/messages/2"), Value::Null).await;
    let operator = crate::admin::operator(&stack, &api, "dana");
    let queue = operator.get("/admin/reports").await.body;
    let items = queue["items"].as_array().unwrap();
    let of = |item: &Value| (item["kind"].clone(), item["reason"].clone(), item["text"].clone());
    assert_eq!(of(&items[0]), (json!("message"), json!("fraud"), json!("buy this")));
    assert_eq!(
        of(&items[1]),
        (json!("message"), json!("fraud"), json!("or that")),
        "deleted since"
    );
    for item in items {
        let path = format!("/admin/reports/{}/close", item["id"].as_str().unwrap());
        let closed = operator.post(&path, json!({ "outcome": "removed" })).await;
        assert_eq!(closed.body, json!({ "closed": 1 }), "{closed:?}");
    }
    assert_eq!(operator.get("/admin/reports").await.body["items"], json!([]));
    let entries = bob.get(&format!("{room}/messages")).await.body["items"].clone();
    let entries: Vec<_> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["kind"].clone(),
                entry["text"].clone(),
                entry["sender"].is_null(),
                entry["target"].clone(),
            )
        })
        .collect();
    let (none, text, deleted) = (json!(null), json!("text"), json!("deleted"));
    assert_eq!(
        entries,
        [
            (text.clone(), none.clone(), false, none.clone()),
            (text, none.clone(), false, none.clone()),
            (deleted.clone(), none.clone(), false, json!(2)),
            // Whoever is an operator is nobody in the room.
            (deleted, none, true, json!(1)),
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_report_keeps_the_text_and_messages_are_limited(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let room = direct(&alice, &bob).await;
    say(&alice, &room, "buy this").await;
    let report = format!("{room}/messages/1/report");
    let body = json!({ "reason": "spam", "description": "again" });
    for _ in 0..2 {
        assert_eq!(bob.post(&report, body.clone()).await.status, 204);
    }
    assert_eq!(problem_of(&alice.post(&report, body).await).0, 404, "one's own");
    assert_eq!(problem_of(&bob.post(&report, json!({ "reason": "x" })).await).2, ["reason"]);
    call(&alice, Method::DELETE, &format!("{room}/messages/1"), Value::Null).await;
    let kept: Vec<(String, String)> =
        sqlx::query_as("SELECT reason, quote FROM reports").fetch_all(&db).await.unwrap();
    assert_eq!(kept, [("spam".to_owned(), "buy this".to_owned())]);
    let many = join_all((0..40).map(|_| say(&alice, &room, "x"))).await;
    let sent = many.iter().filter(|answer| answer.status == 201).count();
    assert!((15..=22).contains(&sent), "{sent}");
    let refused = many.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(problem_of(refused).1, "rate_limited");
    for (body, field) in [
        (json!({}), "text"),
        (json!({ "text": " " }), "text"),
        (json!({ "text": "x".repeat(4001) }), "text"),
        (json!({ "text": "x", "clientKey": "a b" }), "clientKey"),
        (json!({ "pictures": ["u/x/1.jpg"], "senderId": 7 }), "senderId"),
    ] {
        let answer = bob.post(&format!("{room}/messages"), body).await;
        assert_eq!(problem_of(&answer).2, [field]);
    }
}
