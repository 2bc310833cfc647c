//! Likes: exact, whoever likes at the same moment.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Answer, Stack, problem_of};

use super::{call, publish};
use crate::people::relate;

fn told(answer: &Answer) -> (bool, u64) {
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.body["liked"].as_bool().unwrap(), answer.body["likes"].as_u64().unwrap())
}

#[sqlx::test(migrations = "../migrations")]
async fn liking_is_idempotent_and_counted(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let ids = publish(&db, &alice, &["one"]).await;
    let path = format!("/v1/posts/{}", ids[0]);
    let like = format!("{path}/like");
    for _ in 0..2 {
        assert_eq!(told(&call(&bob, Method::PUT, &like).await), (true, 1));
    }
    assert_eq!(told(&call(&alice, Method::PUT, &like).await), (true, 2));
    let seen = bob.get(&path).await.body;
    assert_eq!((&seen["likes"], &seen["isLiked"]), (&json!(2), &json!(true)));
    let likers = bob.get(&format!("{path}/likes?limit=1")).await.body;
    let next = likers["nextCursor"].as_str().unwrap();
    let rest = bob.get(&format!("{path}/likes?limit=1&cursor={next}")).await.body;
    let people = [&likers, &rest].map(|page| page["items"][0]["id"].as_str().unwrap().to_owned());
    assert_eq!(people, [bob.user(), alice.user()], "the latest account first");
    assert!(rest["nextCursor"].is_null());
    for _ in 0..2 {
        assert_eq!(told(&call(&bob, Method::DELETE, &like).await), (false, 1));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_there_for_somebody_cannot_be_liked(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob, carol) = (api.guest().await, api.guest().await, api.guest().await);
    let ids = publish(&db, &alice, &["kept", "deleted"]).await;
    let like = |id: &str| format!("/v1/posts/{id}/like");
    assert_eq!(told(&call(&bob, Method::PUT, &like(&ids[1])).await), (true, 1));
    assert_eq!(call(&alice, Method::DELETE, &format!("/v1/posts/{}", ids[1])).await.status, 204);
    relate(Method::PUT, &alice, "block", &bob).await;
    relate(Method::PUT, &carol, "block", &alice).await;
    let nothing = uuid::Uuid::now_v7().to_string();
    for (client, id) in [(&bob, &ids[0]), (&carol, &ids[0]), (&bob, &ids[1]), (&alice, &nothing)] {
        for method in [Method::PUT, Method::DELETE] {
            assert_eq!(problem_of(&call(client, method, &like(id)).await).0, 404);
        }
    }
    assert_eq!(told(&call(&alice, Method::PUT, &like(&ids[0])).await), (true, 1));
    let liked = bob.get("/v1/feed/liked").await.body;
    assert_eq!(liked["items"], json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn counts_are_the_rows_and_what_everybody_was_told(db: MySqlPool) {
    const PEOPLE: usize = 12;
    let stack = Stack::new(db.clone()).await;
    let replicas = [stack.api().await, stack.api().await];
    let author = replicas[0].guest().await;
    let ids = publish(&db, &author, &["one", "two", "three"]).await;
    let people = join_all((0..PEOPLE).map(|n| replicas[n % 2].guest())).await;
    // Each person is at one replica, and does one thing after the other.
    let wishes = people.iter().enumerate().map(|(person, client)| {
        let ids = &ids;
        async move {
            let mut last = vec![false; ids.len()];
            for step in 0..40 {
                let post = (person + step * step) % ids.len();
                let method = if (person * 7 + step).is_multiple_of(3) {
                    Method::DELETE
                } else {
                    Method::PUT
                };
                let answer =
                    call(client, method.clone(), &format!("/v1/posts/{}/like", ids[post])).await;
                let (liked, _) = told(&answer);
                assert_eq!(liked, method == Method::PUT);
                last[post] = liked;
            }
            last
        }
    });
    let last: Vec<Vec<bool>> = stream::iter(wishes).buffer_unordered(PEOPLE).collect().await;
    for (index, id) in ids.iter().enumerate() {
        let expected = last.iter().filter(|told| told[index]).count();
        let post: Value = author.get(&format!("/v1/posts/{id}")).await.body;
        assert_eq!(post["likes"].as_u64().unwrap(), expected as u64);
        let rows: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM likes l JOIN posts p ON p.number = l.target_id WHERE p.text = ?",
        )
        .bind(post["text"].as_str())
        .fetch_one(&db)
        .await
        .unwrap();
        assert_eq!(rows, i64::try_from(expected).unwrap());
    }
}
