//! What hangs on posts is erased with them, and with their authors.

use reqwest::Method;
use serde_json::json;
use sqlx::MySqlPool;
use toneup_people::erasures::erasures;
use toneup_people::posts::erase::erase_deleted;
use toneup_platform::identity::UserId;
use toneup_testing::Stack;

use super::{call, publish};
use crate::people::relate;

async fn count(db: &MySqlPool, table: &str) -> i64 {
    let query = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    sqlx::query_scalar(query).fetch_one(db).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_deleted_post_leaves_nothing_and_the_feeds_at_once(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    relate(Method::PUT, &bob, "follow", &alice).await;
    let ids = publish(&db, &alice, &["older", "newer"]).await;
    call(&bob, Method::PUT, &format!("/v1/posts/{}/like", ids[1])).await;
    assert_eq!(call(&alice, Method::DELETE, &format!("/v1/posts/{}", ids[1])).await.status, 204);
    for feed in ["/v1/feed", "/v1/feed/newest", "/v1/me/posts"] {
        let client = if feed == "/v1/me/posts" { &alice } else { &bob };
        let items = client.get(feed).await.body["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), 1, "{feed}");
        assert_eq!(items[0]["id"], ids[0].as_str(), "{feed}");
    }
    assert_eq!(bob.get("/v1/feed/liked").await.body["items"], json!([]));
    let mut conn = db.acquire().await.unwrap();
    while erase_deleted(&mut conn, 1).await.unwrap() > 0 {}
    let left = ["posts", "post_pictures", "likes", "content_counters"];
    let mut rows = Vec::new();
    for table in left {
        rows.push(count(&db, table).await);
    }
    assert_eq!(rows, [1, 1, 0, 1]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_deleted_person_leaves_others_counts_true(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let bobs = publish(&db, &bob, &["one", "two", "three"]).await;
    let alices = publish(&db, &alice, &["mine", "too"]).await;
    for id in bobs.iter().chain(&alices) {
        for client in [&alice, &bob] {
            assert_eq!(
                call(client, Method::PUT, &format!("/v1/posts/{id}/like")).await.status,
                200
            );
        }
    }
    let user = UserId(alice.user().parse().unwrap());
    let mut conn = db.acquire().await.unwrap();
    for erasure in erasures() {
        // Slices of two.
        while erasure.erase(&mut conn, user, 2).await.unwrap() > 0 {}
    }
    for id in &bobs {
        let post = bob.get(&format!("/v1/posts/{id}")).await.body;
        assert_eq!(post["likes"], 1, "{post}");
    }
    assert_eq!((count(&db, "posts").await, count(&db, "likes").await), (3, 3));
    assert_eq!((count(&db, "authors").await, count(&db, "content_counters").await), (1, 3));
}
