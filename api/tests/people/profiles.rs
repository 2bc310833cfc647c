//! Profiles: what people say of themselves, and what others see.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::JobId;
use toneup_platform::identity::UserId;
use toneup_testing::{Answer, Client, Stack, end_analyses, problem_of, season};

use super::{change, me, name};

async fn profile(client: &Client, of: &Client) -> Value {
    let answer = client.get(&format!("/v1/users/{}", of.user())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_user_has_a_nickname_and_no_colour(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guest = api.guest().await;
    let own = me(&guest).await;
    assert!(own["nickname"].as_str().unwrap().starts_with("user") && own["number"].is_u64());
    let rest = json!({
        "id": guest.user(), "number": own["number"], "nickname": own["nickname"], "bio": "",
        "personalColor": null, "picture": null, "followers": 0, "following": 0, "relation": null,
    });
    assert_eq!(own, rest);
    assert_eq!(profile(&guest, &guest).await, own);
}

#[sqlx::test(migrations = "../migrations")]
async fn others_see_a_profile_as_it_was_changed(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let changed = change(&alice, json!({ "nickname": "봄웜alice", "bio": " 안녕하세요\n" })).await;
    assert_eq!(
        (&changed.body["nickname"], &changed.body["bio"]),
        (&json!("봄웜alice"), &json!("안녕하세요"))
    );
    let changed = change(&alice, json!({ "bio": "hello" })).await;
    assert_eq!(
        (&changed.body["nickname"], &changed.body["bio"]),
        (&json!("봄웜alice"), &json!("hello"))
    );
    let seen = profile(&bob, &alice).await;
    assert_eq!((&seen["nickname"], &seen["bio"]), (&json!("봄웜alice"), &json!("hello")));
    let strangers =
        json!({ "isFollowing": false, "isFollower": false, "isBlocked": false, "isMuted": false });
    assert_eq!(seen["relation"], strangers);
    for path in [format!("/v1/users/{}", uuid::Uuid::now_v7()), "/v1/users/7".to_owned()] {
        assert_eq!(problem_of(&bob.get(&path).await).0, 404, "{path}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_nickname_is_ones_own_whatever_its_case_and_form(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    name(&alice, "Spring1").await;
    for taken in ["Spring1", "sPrInG1", "Ｓｐｒｉｎｇ１"] {
        let refused = change(&bob, json!({ "nickname": taken, "bio": "not stored" })).await;
        assert_eq!(problem_of(&refused), (409, "nickname_taken".to_owned(), vec![]), "{taken}");
    }
    for bad in ["a", "", "a b", "a_b", "😀😀", "\u{3164}\u{3164}", &"가".repeat(21)] {
        let refused = change(&bob, json!({ "nickname": bad, "bio": "not stored" })).await;
        assert_eq!(problem_of(&refused), (422, "nickname_invalid".to_owned(), vec![]), "{bad}");
    }
    let refused = change(&bob, json!({ "bio": "x".repeat(101) })).await;
    assert_eq!(problem_of(&refused), (422, "validation_failed".to_owned(), vec!["bio".to_owned()]));
    let refused = change(&bob, json!({ "number": 7 })).await;
    assert_eq!(problem_of(&refused).0, 422);
    assert_eq!(me(&bob).await["bio"], "");
    // One's own in another case is no other's.
    name(&alice, "SPRING1").await;
    name(&alice, "Summer").await;
    name(&bob, "spring1").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn of_many_who_want_a_nickname_at_once_one_gets_it(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let mut guests = Vec::new();
    for _ in 0..8 {
        guests.push(api.guest().await);
    }
    let wanted = guests.iter().map(|guest| change(guest, json!({ "nickname": "겨울쿨" })));
    let answers: Vec<Answer> = futures_util::future::join_all(wanted).await;
    let got = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((got(200), got(409)), (1, 7), "{answers:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_colour_is_that_of_the_latest_analysis(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let api = stack.api().await;
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    let id = JobId(analysis["id"].as_str().unwrap().parse().unwrap());
    assert_eq!(me(&guest).await["personalColor"], json!(null));
    let user = UserId(guest.user().parse().unwrap());
    end_analyses(&db, user, &[id], &season(PersonalColor::Autumn)).await;
    assert_eq!(me(&guest).await["personalColor"], "AUTUMN");
    let other = api.guest().await;
    assert_eq!(profile(&other, &guest).await["personalColor"], "AUTUMN");
}

#[sqlx::test(migrations = "../migrations")]
async fn people_are_found_by_the_beginning_of_their_nicknames(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    name(&alice, "Findme0").await;
    name(&bob, "findMe1").await;
    for number in 2..5 {
        name(&api.guest().await, &format!("FINDME{number}")).await;
    }
    name(&api.guest().await, "findother").await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = alice.get(&format!("/v1/users?nickname=ＦindM&limit=2&cursor={cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(items.iter().map(|one| one["nickname"].as_str().unwrap().to_owned()));
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, ["Findme0", "findMe1", "FINDME2", "FINDME3", "FINDME4"]);
    for bad in [
        "nickname=",
        "nickname=%25",
        "nickname=a%20b",
        "",
        "nickname=a&limit=0",
        "nickname=a&limit=101",
    ] {
        assert_eq!(problem_of(&alice.get(&format!("/v1/users?{bad}")).await).0, 422, "{bad}");
    }
    let deleted = bob.send(bob.request(Method::DELETE, "/v1/me")).await;
    assert_eq!(deleted.status, 202);
    let page = alice.get("/v1/users?nickname=findme1").await;
    assert_eq!(page.body["items"], json!([]), "who is deleted is not found");
}
