//! The catalogue: products, recommendations, search, suggestions, and the app's endpoints for them.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::product::store;
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::JobId;
use toneup_platform::identity::UserId;
use toneup_testing::{Client, Stack, end_analyses, eventually, problem_of, season};

use crate::people::{name, relate};
use crate::posts::{call, jpeg, publish};

/// Stores generated products.
pub(crate) async fn stock(db: &MySqlPool, numbers: std::ops::RangeInclusive<u64>) {
    let mut conn = db.acquire().await.unwrap();
    let products: Vec<_> = numbers.map(|number| Catalogue::new(1).product(number)).collect();
    store::write(&mut conn, &products).await.unwrap();
}

async fn give_colour(db: &MySqlPool, client: &Client, colour: PersonalColor) {
    let analysis = client.submit(&client.unused_key()).await;
    let id = JobId(analysis["id"].as_str().unwrap().parse().unwrap());
    let user = UserId(client.user().parse().unwrap());
    end_analyses(db, user, &[id], &season(colour)).await;
}

async fn get(client: &Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

fn ids(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["product"]["id"].as_u64().unwrap()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn products_are_read_and_recommended_with_reasons_and_without_repeats(db: MySqlPool) {
    stock(&db, 1..=400).await;
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    let product = get(&alice, "/v1/products/7").await;
    let own = Catalogue::new(1).product(7);
    assert_eq!((&product["name"], &product["isLiked"]), (&json!(own.name), &json!(false)));
    assert_eq!(
        get(&alice, "/v1/products/7/similar?limit=5").await["items"].as_array().unwrap().len(),
        5
    );
    for missing in ["/v1/products/401", "/v1/products/x", "/v1/products/401/similar"] {
        assert_eq!(problem_of(&alice.get(missing).await).0, 404, "{missing}");
    }

    let nobody = get(&alice, "/v1/recommendations").await;
    assert_eq!(ids(&nobody).len(), 20, "useful without a colour");
    give_colour(&db, &alice, PersonalColor::Autumn).await;
    let first = get(&alice, "/v1/recommendations?limit=50").await;
    let reason = &first["items"][0]["why"][0];
    assert_eq!((&reason["kind"], &reason["season"]), (&json!("palette"), &json!("AUTUMN")));
    let mut seen: HashSet<u64> = ids(&first).into_iter().collect();
    let cursor = first["nextCursor"].as_str().unwrap();
    let path = format!("/v1/recommendations?limit=50&cursor={cursor}");
    let second = get(&alice, &path).await;
    assert_eq!(ids(&get(&alice, &path).await), ids(&second), "the same page again");
    assert!(ids(&second).into_iter().all(|id| seen.insert(id)), "nothing twice");
    // Another colour counts on the next page of the same list.
    give_colour(&db, &alice, PersonalColor::Winter).await;
    let cursor = second["nextCursor"].as_str().unwrap();
    let third = get(&alice, &format!("/v1/recommendations?limit=50&cursor={cursor}")).await;
    assert_eq!(third["items"][0]["why"][0]["season"], "WINTER");
    assert!(ids(&third).into_iter().all(|id| seen.insert(id)), "nothing twice");
    // To the end, which is told.
    let (mut cursor, mut pages) = (third["nextCursor"].clone(), 0);
    while let Some(next) = cursor.as_str() {
        let page = get(&alice, &format!("/v1/recommendations?limit=50&cursor={next}")).await;
        assert!(ids(&page).into_iter().all(|id| seen.insert(id)), "nothing twice");
        (cursor, pages) = (page["nextCursor"].clone(), pages + 1);
        assert!(pages < 10);
    }
    assert_eq!(seen.len(), 400);

    let bob = api.guest().await;
    let foreign = first["nextCursor"].as_str().unwrap();
    for (bad, field) in [
        (format!("cursor={foreign}"), "cursor"),
        ("cursor=x".to_owned(), "cursor"),
        ("limit=0".to_owned(), "limit"),
        ("limit=51".to_owned(), "limit"),
        ("limit=many".to_owned(), "limit"),
        ("season=MAY".to_owned(), "season"),
        (format!("brand={}", "x".repeat(101)), "brand"),
        ("priceFrom=2&priceTo=1".to_owned(), "priceTo"),
    ] {
        let refused = problem_of(&bob.get(&format!("/v1/recommendations?{bad}")).await);
        assert_eq!((refused.0, refused.2), (422, vec![field.to_owned()]), "{bad}");
    }
    let none = get(&bob, "/v1/recommendations?brand=nobody").await;
    assert_eq!(none, json!({ "items": [], "nextCursor": null }));
    let blouses = get(&bob, "/v1/recommendations?type=블라우스&priceTo=60000").await;
    assert!(!ids(&blouses).is_empty());
    for item in blouses["items"].as_array().unwrap() {
        assert_eq!(item["product"]["type"], "블라우스");
        assert!(item["product"]["price"].as_u64().unwrap() <= 60_000);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_product_is_recommended_and_a_deleted_one_is_not(db: MySqlPool) {
    stock(&db, 1..=3).await;
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    assert_eq!(ids(&get(&alice, "/v1/recommendations").await).len(), 3);
    stock(&db, 4..=4).await;
    eventually("the new product", async || {
        ids(&get(&alice, "/v1/recommendations").await).contains(&4).then_some(())
    })
    .await;
    let mut conn = db.acquire().await.unwrap();
    store::delete(&mut conn, toneup_catalogue::product::ProductId(2)).await.unwrap();
    assert!(!ids(&get(&alice, "/v1/recommendations").await).contains(&2), "at once");
    assert_eq!(alice.get("/v1/products/2").await.status, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_reads_its_recommendations_by_either_name(db: MySqlPool) {
    stock(&db, 1..=60).await;
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    let mut seen = HashSet::new();
    let (mut cursor, mut has_next) = (0, true);
    while has_next {
        let path = format!("/api/product/recommendation?limit=25&cursor={cursor}&isMine=true");
        let data = get(&alice, &path).await["data"].clone();
        // Apps decode one envelope, or an envelope in the envelope.
        assert_eq!(data["data"]["products"], data["products"]);
        for product in data["products"].as_array().unwrap() {
            for name in ["brand", "productName", "imageUrl", "productDetailUrl"] {
                assert!(product[name].is_string(), "{name}: {product}");
            }
            assert!(product["price"].is_u64() && product["isLiked"] == false);
            assert!(seen.insert(product["productId"].as_u64().unwrap()), "twice: {product}");
        }
        cursor = data["nextCursor"].as_u64().unwrap();
        has_next = data["hasNext"].as_bool().unwrap();
    }
    assert_eq!(seen.len(), 60);
    for path in ["recommandation", "recommandation/SPRING", "recommandation/winter?cursor=10"] {
        let data = get(&alice, &format!("/api/product/{path}")).await["data"].clone();
        assert_eq!(data["products"].as_array().unwrap().len(), 10, "{path}");
    }
    for bounded in ["limit=0", "limit=1000000000", "cursor=18446744073709551615"] {
        get(&alice, &format!("/api/product/recommendation?{bounded}")).await;
    }
    for bad in ["recommandation/MAY", "recommendation?limit=-1", "recommendation?cursor=x"] {
        let refused = alice.get(&format!("/api/product/{bad}")).await;
        assert_eq!(refused.body["errorCode"], "VALIDATION_FAILED", "{bad}: {refused:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn products_are_searched_with_filters_counts_and_highlights(db: MySqlPool) {
    stock(&db, 1..=300).await;
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    let whole = get(&alice, "/v1/search?q=니트&limit=50&facets=true").await;
    let total = whole["total"].as_u64().unwrap();
    assert!(total > 3 && whole["isLoose"] == false, "{total}");
    assert!(!whole["facets"]["season"].as_array().unwrap().is_empty());
    let first = &whole["items"][0];
    assert_eq!(first["kind"], "product");
    let marked = |item: &Value, part: &str| -> String {
        let segments = item["highlights"][part].as_array().unwrap().iter();
        segments.map(|segment| segment["text"].as_str().unwrap()).collect()
    };
    assert_eq!(marked(first, "name"), first["product"]["name"].as_str().unwrap());
    let (mut paged, mut path) = (Vec::new(), "/v1/search?q=니트&limit=3".to_owned());
    loop {
        let page = get(&alice, &path).await;
        paged.extend(ids(&page));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/search?q=니트&limit=3&cursor={cursor}");
    }
    assert_eq!(paged, ids(&get(&alice, "/v1/search?q=니트&limit=50").await)[..paged.len()]);
    assert_eq!(paged.len() as u64, total);
    let cheap = get(&alice, "/v1/search?q=니트&priceTo=60000&sex=FEMALE").await;
    for item in cheap["items"].as_array().unwrap() {
        assert!(item["product"]["price"].as_u64().unwrap() <= 60_000, "{item}");
    }

    let cursor = get(&alice, "/v1/search?q=니트&limit=3").await["nextCursor"].clone();
    let cursor = cursor.as_str().unwrap();
    for (bad, field) in [
        (format!("q=셔츠&cursor={cursor}"), "cursor"),
        ("q=니트&cursor=🙂".to_owned(), "cursor"),
        ("limit=5".to_owned(), "q"),
        ("q=".to_owned(), "q"),
        (format!("q={}", "가".repeat(201)), "q"),
        ("q=니트&limit=0".to_owned(), "limit"),
        ("q=니트&limit=-1".to_owned(), "limit"),
        ("q=니트&facets=perhaps".to_owned(), "facets"),
        ("q=니트&sex=NONE".to_owned(), "sex"),
    ] {
        let refused = problem_of(&alice.get(&format!("/v1/search?{bad}")).await);
        assert_eq!(refused.0, 422, "{bad}: {refused:?}");
        assert!(refused.2 == [field] || field == "q", "{bad}: {refused:?}");
    }
    for nothing in ["%20%20", "🙂", "%22AND%22", "%00", "%ED%A0%80"] {
        let page = get(&alice, &format!("/v1/search?q={nothing}")).await;
        assert_eq!((&page["items"], &page["total"]), (&json!([]), &json!(0)), "{nothing}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_change_is_found_and_suggested_soon_and_a_deleted_product_never(db: MySqlPool) {
    stock(&db, 1..=5).await;
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    let search = "/v1/search?q=세상에 하나뿐인";
    assert_eq!(ids(&get(&alice, search).await), [] as [u64; 0]);
    let mut product = Catalogue::new(1).product(6);
    product.name = "세상에 하나뿐인 셔츠".to_owned();
    let mut conn = db.acquire().await.unwrap();
    store::write(&mut conn, &[product]).await.unwrap();
    eventually("the new product", async || (ids(&get(&alice, search).await) == [6]).then_some(()))
        .await;
    let suggested = get(&alice, "/v1/search/suggestions?q=세상ㅇ").await;
    let expected = json!([{ "text": "세상에 하나뿐인 셔츠", "kind": "name" }]);
    assert_eq!(suggested["items"], expected);
    store::delete(&mut conn, toneup_catalogue::product::ProductId(6)).await.unwrap();
    assert_eq!(ids(&get(&alice, search).await), [] as [u64; 0], "at once");
    let (long, blank) =
        (format!("q={}", "가".repeat(10_000 / 9)), format!("q={}", "%20".repeat(10_000)));
    for bad in ["", "q=", &long, &blank] {
        let refused = alice.get(&format!("/v1/search/suggestions?{bad}")).await;
        assert_eq!(problem_of(&refused).0, 422, "{bad}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn posts_and_people_are_found_by_those_who_may_see_them(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    name(&alice, "봄앨리스").await;
    let picture = json!({ "objectKey": alice.upload(jpeg()).await });
    let entry = json!({ "title": "일기", "text": "코랄 니트 비밀", "pictures": [picture] });
    assert_eq!(alice.post("/v1/diary", entry).await.status, 201);
    let posts = publish(&db, &alice, &["코랄 니트와 함께", "코랄 니트 한 벌"]).await;
    let search = "/v1/search?kind=post&q=코랄니트";
    let found = async |client: &Client, path: &str| -> Vec<String> {
        let page = get(client, path).await;
        assert_eq!(page["total"], json!(null), "{page}");
        let item = |item: &Value| item["post"]["id"].as_str().unwrap().to_owned();
        page["items"].as_array().unwrap().iter().map(item).collect()
    };
    eventually("both posts, the newer first", async || {
        (found(&bob, search).await == [posts[1].clone(), posts[0].clone()]).then_some(())
    })
    .await;
    let page = get(&bob, &format!("{search}&limit=1")).await;
    assert_eq!((&page["items"][0]["kind"], &page["isLoose"]), (&json!("post"), &json!(false)));
    let parts = page["items"][0]["highlights"]["text"].as_array().unwrap();
    assert!(parts.iter().any(|part| part["isMatch"] == true), "{parts:?}");
    let next = page["nextCursor"].as_str().unwrap();
    assert_eq!(found(&bob, &format!("{search}&limit=1&cursor={next}")).await, posts[..1]);
    let elsewhere = format!("/v1/search?q=코랄니트&cursor={next}");
    assert_eq!(problem_of(&bob.get(&elsewhere).await).2, ["cursor"]);

    // Gone at once for those who may not see it, and for all who look for what it said.
    relate(Method::PUT, &bob, "mute", &alice).await;
    assert_eq!(found(&bob, search).await, [] as [String; 0]);
    relate(Method::DELETE, &bob, "mute", &alice).await;
    let delete = call(&alice, Method::DELETE, &format!("/v1/posts/{}", posts[0])).await;
    assert_eq!(delete.status, 204);
    assert_eq!(found(&bob, search).await, posts[1..]);
    let change = json!({ "text": "버건디 코트" });
    let path = format!("/v1/posts/{}", posts[1]);
    alice.send(alice.request(Method::PATCH, &path).json(&change)).await;
    let changed = "/v1/search?kind=post&q=버건디";
    eventually("the new text", async || (found(&bob, changed).await == posts[1..]).then_some(()))
        .await;
    assert_eq!(found(&bob, search).await, [] as [String; 0]);

    let people = "/v1/search?kind=person&q=봄앨";
    let page = get(&bob, people).await;
    let person = &page["items"][0];
    assert_eq!(
        (&person["kind"], &person["person"]["nickname"]),
        (&json!("person"), &json!("봄앨리스"))
    );
    relate(Method::PUT, &alice, "block", &bob).await;
    assert_eq!(get(&bob, people).await["items"], json!([]));
    assert_eq!(found(&bob, changed).await, [] as [String; 0]);
    assert_eq!(get(&bob, "/v1/search?kind=person&q=!!").await["items"], json!([]));
    assert_eq!(problem_of(&bob.get("/v1/search?kind=shop&q=a").await).0, 422);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_searches_and_completes(db: MySqlPool) {
    stock(&db, 1..=100).await;
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    let own = Catalogue::new(1).product(3);
    let path = format!("/api/search?query={}&limit=5&isMine=true&cursor=7", own.name);
    let data = get(&alice, &path).await["data"].clone();
    let names: Vec<&Value> =
        data["products"].as_array().unwrap().iter().map(|one| &one["productName"]).collect();
    assert!(names.contains(&&json!(own.name)) && data["hasNext"].is_boolean(), "{data}");
    for nothing in ["", "?query=", "?query=🙂", "?limit=0&query=%20"] {
        let data = get(&alice, &format!("/api/search{nothing}")).await["data"].clone();
        assert_eq!((&data["products"], &data["hasNext"]), (&json!([]), &json!(false)), "{nothing}");
    }
    let path = format!("/api/auto-complete?keyword={}", own.name);
    let list = get(&alice, &path).await["data"]["autoCompleteList"].clone();
    assert_eq!(list[0], json!({ "brandOrProductName": own.name }));
    let none = get(&alice, "/api/auto-complete").await["data"].clone();
    assert_eq!(none["autoCompleteList"], json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_liked_says_so_and_leads_to_what_is_like_it(db: MySqlPool) {
    stock(&db, 1..=200).await;
    let api = Stack::new(db.clone()).await.api().await;
    let alice = api.guest().await;
    let like = alice.send(alice.request(Method::PUT, "/v1/products/7/like")).await;
    assert_eq!(like.status, 200, "{}", like.body);
    let marks = |product: &Value| (product["likes"].clone(), product["isLiked"].clone());
    assert_eq!(marks(&get(&alice, "/v1/products/7").await), (json!(1), json!(true)));
    assert_eq!(marks(&get(&alice, "/v1/products/8").await), (json!(0), json!(false)));
    let page = get(&alice, "/v1/recommendations?limit=50").await;
    assert!(!ids(&page).contains(&7), "it is liked already");
    let reason = json!({ "kind": "like", "productId": 7 });
    assert_eq!(page["items"][0]["why"][0], reason, "{}", page["items"][0]);
    let bob = api.guest().await;
    assert_eq!(marks(&get(&bob, "/v1/products/7").await), (json!(1), json!(false)));
}

#[sqlx::test(migrations = "../migrations")]
async fn products_are_liked_and_listed_in_the_order_of_liking(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    stock(&db, 1..=5).await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let like = async |client: &Client, method: Method, id: u64| {
        client.send(client.request(method, &format!("/v1/products/{id}/like"))).await
    };
    for id in [3, 1, 5] {
        let answer = like(&alice, Method::PUT, id).await;
        assert_eq!((answer.status.as_u16(), &answer.body["liked"]), (200, &json!(true)));
    }
    let second = like(&bob, Method::PUT, 3).await;
    assert_eq!(second.body, json!({ "liked": true, "likes": 2 }));
    assert_eq!(like(&bob, Method::PUT, 99).await.status, 404);
    assert_eq!(get(&alice, "/v1/products/3").await["isLiked"], json!(true));
    let numbers = |page: &Value| -> Vec<u64> {
        let products = page["data"]["products"].as_array().unwrap();
        products.iter().map(|one| one["productId"].as_u64().unwrap()).collect()
    };
    let first = get(&alice, "/api/product/like?limit=2").await;
    assert_eq!((numbers(&first), &first["data"]["totalCount"]), (vec![5, 1], &json!(3)));
    let cursor = &first["data"]["nextCursor"];
    let rest = get(&alice, &format!("/api/products/like?limit=2&cursor={cursor}")).await;
    assert_eq!((numbers(&rest), &rest["data"]["hasNext"]), (vec![3], &json!(false)));
    let toggled = alice.post("/api/products/5/like", json!({})).await;
    let data = json!({ "productId": 5, "liked": false, "isLiked": false });
    assert_eq!((&toggled.body["code"], &toggled.body["data"]), (&json!(200), &data));
    let differences =
        toneup_people::counters::check(&mut db.acquire().await.unwrap()).await.unwrap();
    assert!(differences.iter().all(|checked| checked.differences.is_empty()), "{differences:?}");
}
