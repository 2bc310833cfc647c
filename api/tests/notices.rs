//! Notices: what people are told of each other, folded, once, and only what they wish to hear.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Running, Stack, problem_of};

use crate::people::{me, name, relate};

async fn follow(client: &Client, other: &Client) {
    let answer = relate(Method::PUT, client, "follow", other).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn unfollow(client: &Client, other: &Client) {
    let answer = relate(Method::DELETE, client, "follow", other).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn notices(client: &Client) -> Value {
    let answer = client.get("/v1/notices").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

async fn post(client: &Client, path: &str, body: Value) -> toneup_testing::Answer {
    client.send(client.request(Method::POST, path).json(&body)).await
}

async fn wish(client: &Client, settings: Value) -> toneup_testing::Answer {
    let request = client.request(Method::PUT, "/v1/notification-settings");
    client.send(request.json(&settings)).await
}

async fn guests(api: &Running, count: usize) -> Vec<Client> {
    join_all((0..count).map(|_| api.guest())).await
}

#[sqlx::test(migrations = "../migrations")]
async fn followers_are_one_notice_until_it_is_read(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, others) = (api.guest().await, guests(&api, 3).await);
    for other in &others {
        follow(other, &alice).await;
    }
    name(&others[2], "Mina").await;
    // Once more is no news.
    unfollow(&others[0], &alice).await;
    follow(&others[0], &alice).await;
    let page = notices(&alice).await;
    assert_eq!((page["unread"].as_u64(), page["items"].as_array().unwrap().len()), (Some(1), 1));
    let notice = &page["items"][0];
    assert_eq!(notice["type"], "person.followed");
    assert_eq!((&notice["actor"]["nickname"], &notice["others"]), (&json!("Mina"), &json!(2)));
    assert_eq!((&notice["times"], &notice["read"]), (&json!(3), &json!(false)));

    let read = post(&alice, "/v1/notices/read", json!({ "ids": [notice["id"]] })).await;
    assert_eq!(read.status, 204, "{read:?}");
    let page = notices(&alice).await;
    assert_eq!((&page["unread"], &page["items"][0]["read"]), (&json!(0), &json!(true)));
    unfollow(&others[1], &alice).await;
    follow(&others[1], &alice).await;
    let page = notices(&alice).await;
    assert_eq!((&page["unread"], &page["items"][0]["others"]), (&json!(1), &json!(0)));
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_notice_is_told_on_the_stream_and_replayed(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let mut events = alice.events("/v1/events", None).await;
    follow(&bob, &alice).await;
    let (kind, id, notice) = events.next_of_any_kind().await.unwrap();
    assert_eq!((kind.as_str(), id.as_str()), ("notice", "1"));
    assert_eq!(notice["actor"]["id"], json!(bob.user()));
    assert_eq!(notice["id"], notices(&alice).await["items"][0]["id"]);
    let mut again = alice.events("/v1/events", Some("0")).await;
    assert_eq!(again.next_of_any_kind().await.unwrap().2["id"], notice["id"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_told_what_they_do_not_wish_to_hear(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let muted = relate(Method::PUT, &alice, "mute", &bob).await;
    assert_eq!(muted.status, 204, "{muted:?}");
    follow(&bob, &alice).await;
    assert_eq!(notices(&alice).await["items"], json!([]));
    let settings = json!({
        "off": ["person.followed"],
        "quietHours": { "from": "22:00", "until": "07:00", "utcOffset": 540 },
    });
    let stored = wish(&bob, settings.clone()).await;
    assert_eq!((stored.status.as_u16(), &stored.body), (200, &settings));
    assert_eq!(bob.get("/v1/notification-settings").await.body, settings);
    follow(&alice, &bob).await;
    assert_eq!(notices(&bob).await["items"], json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn notices_of_the_blocked_and_of_others_are_not_shown(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    follow(&bob, &alice).await;
    let id = notices(&alice).await["items"][0]["id"].clone();
    // Somebody else's id is passed over.
    assert_eq!(post(&bob, "/v1/notices/read", json!({ "ids": [id] })).await.status, 204);
    assert_eq!(notices(&alice).await["unread"], json!(1));
    assert_eq!(notices(&bob).await["items"], json!([]));
    assert_eq!(relate(Method::PUT, &alice, "block", &bob).await.status, 204);
    assert_eq!(notices(&alice).await["items"], json!([]));
    assert_eq!(me(&alice).await["followers"], json!(0));
}

#[sqlx::test(migrations = "../migrations")]
async fn wrong_wishes_are_refused_with_their_field(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guest = api.guest().await;
    let hours = |from: &str, until: &str, offset: i32| json!({ "off": [], "quietHours": { "from": from, "until": until, "utcOffset": offset } });
    for (settings, field) in [
        (json!({ "off": ["post.loved"], "quietHours": null }), "off"),
        (hours("25:00", "07:00", 0), "quietHours.from"),
        (hours("22:00", "7", 0), "quietHours.until"),
        (hours("22:00", "07:00", 900), "quietHours.utcOffset"),
    ] {
        let answer = wish(&guest, settings).await;
        let (status, code, fields) = problem_of(&answer);
        assert_eq!((status, code.as_str()), (422, "validation_failed"), "{answer:?}");
        assert_eq!(fields, [field]);
    }
    let many: Vec<Value> = (0..101).map(|_| json!(uuid::Uuid::now_v7())).collect();
    let answer = post(&guest, "/v1/notices/read", json!({ "ids": many })).await;
    assert_eq!(problem_of(&answer).2, ["ids"]);
}
