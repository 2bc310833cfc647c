//! New users: each has a number and a valid nickname of its own.

use std::collections::HashSet;

use futures_util::future::join_all;
use sqlx::MySqlPool;
use toneup_api::features::accounts::{NewUser, UserKind, insert_user};

async fn create(db: &MySqlPool, name: Option<&str>) -> NewUser {
    insert_user(&mut *db.acquire().await.unwrap(), UserKind::Guest, name).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_user_is_called_as_wished_or_alike(db: MySqlPool) {
    let first = create(&db, Some("Kim Min-ji")).await;
    assert_eq!(first.nickname, "KimMinji");
    let second = create(&db, Some("KIM minji")).await;
    assert!(second.nickname.starts_with("KIMminji") && second.nickname.len() == 14, "{second:?}");
    assert!(second.number > first.number && second.id > first.id);
    for name in [None, Some("😀"), Some("")] {
        let nickname = create(&db, name).await.nickname;
        assert!(nickname.starts_with("user") && nickname.len() == 14, "{nickname}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn of_many_who_come_at_once_by_one_name_all_are_let_in(db: MySqlPool) {
    let created = join_all((0..20).map(|_| create(&db, Some("봄웜")))).await;
    let names: HashSet<&str> = created.iter().map(|user| user.nickname.as_str()).collect();
    let numbers: HashSet<u64> = created.iter().map(|user| user.number).collect();
    assert_eq!((names.len(), numbers.len()), (20, 20));
    assert!(names.contains("봄웜") && names.iter().all(|name| name.starts_with("봄웜")));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_release_before_creates_users_who_have_a_nickname(db: MySqlPool) {
    sqlx::query("INSERT INTO users (id, kind, created_at) VALUES (UNHEX(?), 'guest', NOW(3))")
        .bind("0190A0B0C0D070E0800012345678ABCD")
        .execute(&db)
        .await
        .unwrap();
    let row: (String, String) =
        sqlx::query_as("SELECT nickname, nickname_key FROM users").fetch_one(&db).await.unwrap();
    assert_eq!(row, ("user12345678abcd".to_owned(), "user12345678abcd".to_owned()));
}
