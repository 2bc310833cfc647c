//! Posts and the diary as the app reads them: a decoder for each call, with required and optional members.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Answer, Client, Stack, make_pictures};

use super::failure;
use crate::people::me;
use crate::posts::{call, jpeg};

/// The app's envelope; `data` is what the call is for.
#[derive(Debug, Deserialize)]
struct Envelope<T> {
    success: bool,
    code: i64,
    message: String,
    data: T,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FeedId {
    feed_id: i64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiaryId {
    diary_id: i64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Writer {
    user_id: i64,
    nickname: String,
    profile_image_url: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    feed_id: i64,
    writer: Writer,
    image_urls: Vec<String>,
    content: String,
    created_at: String,
    like_count: i64,
    liked: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    feed_id: i64,
    image_url: String,
    is_liked: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    feeds: Vec<Preview>,
    next_cursor: Option<i64>,
    has_next: bool,
    total_count: Option<i64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Toggled {
    feed_id: i64,
    liked: bool,
    is_liked: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiaryDetail {
    diary_id: i64,
    writer: Writer,
    title: String,
    image_urls: Vec<String>,
    content: String,
    created_at: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    diary_id: i64,
    title: String,
    image_url: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Diary {
    diaries: Vec<Entry>,
    next_cursor: Option<i64>,
    has_next: bool,
    total_count: i64,
}

fn decode<T: DeserializeOwned>(answer: &Answer, code: i64) -> T {
    assert_eq!(answer.status, 200, "{answer:?}");
    let envelope: Envelope<T> = serde_json::from_str(&answer.text).unwrap();
    assert!(envelope.success && envelope.code == code && envelope.message == "ok", "{answer:?}");
    envelope.data
}

/// An address as the app is given it for an upload.
async fn file_url(client: &Client) -> String {
    format!("https://s3.example/photos/{}", client.upload(jpeg()).await)
}

async fn put(client: &Client, path: &str, body: Value) -> Answer {
    client.send(client.request(Method::PUT, path).json(&body)).await
}

async fn feeds(client: &Client, path: &str, code: i64) -> Page {
    decode(&client.get(path).await, code)
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_posts_reads_changes_and_deletes(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let url = file_url(&alice).await;
    let body = json!({ "title": null, "content": "봄 코디", "imageUrls": [url, url] });
    let FeedId { feed_id } = decode(&alice.post("/api/feeds", body.clone()).await, 0);
    // The app repeats what failed, and what did not.
    assert_eq!(decode::<FeedId>(&alice.post("/api/feeds", body).await, 0).feed_id, feed_id);
    make_pictures(&db).await;

    let detail: Detail = decode(&bob.get(&format!("/api/feeds/{feed_id}")).await, 0);
    let formerly: Detail = decode(&bob.get(&format!("/api/feed/{feed_id}")).await, 0);
    assert_eq!(detail, formerly);
    assert_eq!(detail.writer.user_id, me(&alice).await["number"].as_i64().unwrap());
    assert_eq!((detail.image_urls.len(), detail.like_count, detail.liked), (2, 0, false));
    assert!(detail.created_at.len() == 19 && !detail.created_at.ends_with('Z'), "{detail:?}");

    // What the post has is named by its address.
    let change = json!({ "content": "가을", "imageUrls": [detail.image_urls[1]] });
    let path = format!("/api/feeds/{feed_id}");
    assert_eq!(decode::<FeedId>(&put(&alice, &path, change.clone()).await, 0).feed_id, feed_id);
    let changed: Detail = decode(&bob.get(&path).await, 0);
    assert_eq!(
        (changed.content.as_str(), &changed.image_urls[..]),
        ("가을", &detail.image_urls[1..])
    );
    assert_eq!(failure(&put(&bob, &path, change).await), (403, "FORBIDDEN"));
    assert_eq!(failure(&call(&bob, Method::DELETE, &path).await), (403, "FORBIDDEN"));

    for (content, images, code) in [
        (json!(null), json!([url]), "INVALID_CONTENT_LENGTH"),
        (json!("x".repeat(1001)), json!([url]), "INVALID_CONTENT_LENGTH"),
        (json!("x"), json!(null), "INVALID_IMAGE_COUNT"),
        (json!("x"), json!([url, url, url, url, url, url]), "INVALID_IMAGE_COUNT"),
    ] {
        let body = json!({ "content": content, "imageUrls": images });
        assert_eq!(failure(&alice.post("/api/feeds", body).await), (400, code));
    }
    let foreign = json!({ "content": "x", "imageUrls": [url] });
    assert_eq!(failure(&bob.post("/api/feeds", foreign).await), (422, "VALIDATION_FAILED"));
    let deleted = call(&alice, Method::DELETE, &path).await;
    assert_eq!(deleted.body["data"], json!({}));
    assert_eq!(failure(&bob.get(&path).await), (404, "FEED_NOT_FOUND"));
    assert_eq!(
        failure(&bob.post(&format!("{path}/like"), json!({})).await),
        (404, "FEED_NOT_FOUND")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_pages_and_likes(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let mut ids = Vec::new();
    for client in [&alice, &alice, &bob] {
        let url = file_url(client).await;
        let body = json!({ "content": "x", "imageUrls": [url] });
        ids.push(decode::<FeedId>(&client.post("/api/feeds", body).await, 0).feed_id);
    }
    make_pictures(&db).await;
    let of = |page: &Page| page.feeds.iter().map(|feed| feed.feed_id).collect::<Vec<i64>>();
    let first = feeds(&bob, "/api/feeds?limit=2", 0).await;
    assert_eq!(
        (of(&first), first.next_cursor, first.has_next),
        (vec![ids[2], ids[1]], Some(ids[1]), true)
    );
    let rest = feeds(&bob, &format!("/api/feeds?limit=2&cursor={}", ids[1]), 0).await;
    assert_eq!((of(&rest), rest.next_cursor, rest.has_next), (vec![ids[0]], None, false));
    assert!(first.feeds[0].image_url.ends_with("/medium.jpg") && first.total_count.is_none());
    let number = me(&alice).await["number"].clone();
    let hers = feeds(&bob, &format!("/api/feeds?targetId={number}"), 0).await;
    let mine = feeds(&bob, &format!("/api/feeds?isMine=true&targetId={number}"), 0).await;
    assert_eq!(
        (of(&hers), of(&mine), mine.total_count),
        (vec![ids[1], ids[0]], vec![ids[2]], Some(1))
    );
    for limit in ["0", "-5", "1000000000"] {
        assert!(!feeds(&bob, &format!("/api/feeds?limit={limit}"), 0).await.feeds.is_empty());
    }

    let like = async |id: i64| -> Toggled {
        decode(&bob.post(&format!("/api/feeds/{id}/like"), json!({})).await, 200)
    };
    for (id, liked) in [(ids[2], true), (ids[0], true), (ids[1], true), (ids[1], false)] {
        assert_eq!(like(id).await, Toggled { feed_id: id, liked, is_liked: liked });
    }
    let liked = feeds(&bob, "/api/feeds/like?limit=1", 200).await;
    assert_eq!((of(&liked), liked.total_count, liked.has_next), (vec![ids[0]], Some(2), true));
    let cursor = liked.next_cursor.unwrap();
    let rest = feeds(&bob, &format!("/api/feeds/like?limit=1&cursor={cursor}"), 200).await;
    assert_eq!((of(&rest), rest.next_cursor), (vec![ids[2]], None));
    assert!(rest.feeds[0].is_liked);

    let ranking = feeds(&bob, "/api/rankingfeeds?limit=2", 0).await;
    let cursor = ranking.next_cursor.unwrap();
    let rest = feeds(&bob, &format!("/api/rankingfeeds?limit=2&cursor={cursor}"), 0).await;
    let all: Vec<i64> = of(&ranking).into_iter().chain(of(&rest)).collect();
    assert_eq!((all, rest.has_next), (vec![ids[2], ids[0], ids[1]], false));
    let gone = bob.get("/api/rankingfeeds?cursor=20000").await;
    assert_eq!(gone.body["data"], json!({ "feeds": [], "nextCursor": null, "hasNext": false }));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_keeps_a_diary(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let url = file_url(&alice).await;
    let mut ids = Vec::new();
    for title in ["하나", "둘"] {
        let body = json!({ "title": title, "content": "x", "imageUrls": [url] });
        ids.push(decode::<DiaryId>(&alice.post("/api/my-diary", body).await, 0).diary_id);
    }
    make_pictures(&db).await;
    let first: Diary = decode(&alice.get("/api/my-diary?limit=1").await, 0);
    assert_eq!(
        (first.diaries[0].title.as_str(), first.next_cursor, first.total_count),
        ("둘", Some(ids[1]), 2)
    );
    let answer = alice.get(&format!("/api/my-diary?cursor={}", ids[1])).await;
    let rest: Diary = decode(&answer, 0);
    assert!(answer.body["data"]["nextCursor"].is_null() && !rest.has_next);
    assert_eq!(rest.diaries[0].diary_id, ids[0]);
    let path = format!("/api/my-diary/{}", ids[0]);
    let detail: DiaryDetail = decode(&alice.get(&path).await, 0);
    assert_eq!((detail.title.as_str(), detail.image_urls.len()), ("하나", 1));
    let change = json!({ "title": "셋", "content": "y", "imageUrls": detail.image_urls });
    decode::<DiaryId>(&put(&alice, &path, change.clone()).await, 0);
    assert_eq!(decode::<DiaryDetail>(&alice.get(&path).await, 0).title, "셋");
    for answer in [
        bob.get(&path).await,
        put(&bob, &path, change).await,
        call(&bob, Method::DELETE, &path).await,
        alice.get(&format!("/api/my-diary/{}", i64::MAX)).await,
    ] {
        assert_eq!(failure(&answer), (404, "DIARY_NOT_FOUND"));
    }
    let long = json!({ "title": "x".repeat(101), "content": "x", "imageUrls": [url] });
    assert_eq!(failure(&alice.post("/api/my-diary", long).await), (400, "INVALID_TITLE_LENGTH"));
    assert_eq!(call(&alice, Method::DELETE, &path).await.body["data"], json!({}));
    assert_eq!(decode::<Diary>(&alice.get("/api/my-diary").await, 0).total_count, 1);
}
