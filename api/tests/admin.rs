//! The operators' endpoints, and their access control.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use time::OffsetDateTime;
use toneup_operate::actions::Actor;
use toneup_operate::revocations::revoke;
use toneup_operate::token::sign;
use toneup_platform::database::Database;
use toneup_testing::{Client, Running, Stack, eventually, problem_of};
use uuid::Uuid;

/// A client of `api` with the token of an operator.
pub(crate) fn operator(stack: &Stack, api: &Running, name: &str) -> Client {
    let secret = stack.environment()["OPERATOR_SECRET"].clone().into();
    let token = sign(&secret, name, Duration::from_mins(5), OffsetDateTime::now_utc()).unwrap();
    let mut client = api.anonymous();
    client.session = json!({ "accessToken": token });
    client
}

/// An analysis that failed once and then for good, as a worker leaves it.
async fn insert_failed(db: &MySqlPool, user: Uuid, code: &str) -> Uuid {
    let id = Uuid::now_v7();
    let insert = "INSERT INTO jobs
            (id, kind, user_id, payload, status, attempt, created_at, started_at, finished_at)
        VALUES (?, 'analysis', ?, '{\"objectKey\":\"u/7/a.jpg\"}', 'failed', 2, NOW(3) - INTERVAL 9 SECOND,
                NOW(3) - INTERVAL 8 SECOND, NOW(3))";
    sqlx::query(insert).bind(id).bind(user).execute(db).await.unwrap();
    let outcome = "INSERT INTO job_outcomes
            (job_id, error_code, error_message, error_retryable) VALUES (?, ?, 'it failed', 1)";
    sqlx::query(outcome).bind(id).bind(code).execute(db).await.unwrap();
    let history = "INSERT INTO job_transitions (job_id, attempt, transition, code, created_at)
                   VALUES (?, 1, 'attempt_failed', ?, NOW(3) - INTERVAL 5 SECOND)";
    sqlx::query(history).bind(id).bind(code).execute(db).await.unwrap();
    let letter = "INSERT INTO dead_letters (source, job_id, reason, message, created_at)
                  VALUES ('job', ?, ?, 'it failed', NOW(3))";
    sqlx::query(letter).bind(id).bind(code).execute(db).await.unwrap();
    id
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn only_operators_get_in_and_an_operator_is_no_user(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (guest, dana) = (api.guest().await, operator(&stack, &api, "dana"));
    let document = api.anonymous().get("/openapi.json").await.body;
    let paths = document["paths"].as_object().unwrap();
    let calls =
        paths.iter().filter(|(path, _)| path.starts_with("/admin/")).flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (path, method))
        });
    let mut tried = 0;
    for (path, method) in calls {
        let method: Method = method.to_uppercase().parse().unwrap();
        let path = path.replace("{id}", &Uuid::now_v7().to_string());
        let refused = guest.send(guest.request(method.clone(), &path).json(&json!({}))).await;
        assert_eq!(problem_of(&refused), (403, "forbidden".to_owned(), vec![]), "{path}");
        let nobody = api.anonymous();
        let refused = nobody.send(nobody.request(method, &path).json(&json!({}))).await;
        assert_eq!(problem_of(&refused).0, 401, "{path}");
        tried += 1;
    }
    assert!(tried >= 13, "{tried}");
    assert_eq!(dana.get("/admin/overview").await.body["operator"], "dana");
    assert_eq!(problem_of(&dana.get("/v1/analyses").await).0, 401);
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_are_found_by_id_owner_state_and_code_page_by_page(db: MySqlPool) {
    let (alice, bob) = (Uuid::now_v7(), Uuid::now_v7());
    let mut mine = Vec::new();
    for code in ["ANALYZER_FAILED", "ANALYZER_TIMEOUT", "ANALYZER_FAILED"] {
        mine.push(insert_failed(&db, alice, code).await.to_string());
    }
    let other = insert_failed(&db, bob, "ANALYZER_FAILED").await.to_string();
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let dana = operator(&stack, &api, "dana");
    let find = async |query: &str| dana.get(&format!("/admin/jobs?{query}")).await.body;

    assert_eq!(ids(&find("").await), [&other, &mine[2], &mine[1], &mine[0]]);
    assert_eq!(ids(&find(&format!("id={}", mine[1])).await), [&mine[1]]);
    assert_eq!(ids(&find(&format!("user={alice}")).await), [&mine[2], &mine[1], &mine[0]]);
    assert_eq!(ids(&find("code=ANALYZER_TIMEOUT").await), [&mine[1]]);
    let both = format!("code=ANALYZER_FAILED&user={alice}&status=failed");
    assert_eq!(ids(&find(&both).await), [&mine[2], &mine[0]]);
    assert_eq!(ids(&find("status=queued").await), Vec::<&str>::new());

    let first = find("code=ANALYZER_FAILED&limit=2").await;
    assert_eq!(ids(&first), [&other, &mine[2]]);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = find(&format!("code=ANALYZER_FAILED&limit=2&cursor={cursor}")).await;
    assert_eq!((ids(&second), &second["nextCursor"]), (vec![mine[0].as_str()], &Value::Null));

    let (status, code, fields) = problem_of(&dana.get("/admin/jobs?limit=1000").await);
    assert_eq!(
        (status, code.as_str(), fields),
        (422, "validation_failed", vec!["limit".to_owned()])
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_jobs_timeline_tells_its_whole_life(db: MySqlPool) {
    let job = insert_failed(&db, Uuid::now_v7(), "ANALYZER_FAILED").await;
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let dana = operator(&stack, &api, "dana");
    let seen = dana.get(&format!("/admin/jobs/{job}")).await.body;
    let kinds: Vec<&str> = seen["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["submitted", "started", "attempt_failed", "failed", "dead_letter"]);
    assert_eq!(seen["timeline"][2]["code"], "ANALYZER_FAILED");
    assert_eq!(dana.get(&format!("/admin/jobs/{}", Uuid::now_v7())).await.status, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_an_operator_does_is_done_and_written_down(db: MySqlPool) {
    let failed = insert_failed(&db, Uuid::now_v7(), "ANALYZER_FAILED").await;
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (guest, dana) = (api.guest().await, operator(&stack, &api, "dana"));
    let queued = guest.submit(&guest.unused_key()).await["id"].as_str().unwrap().to_owned();

    let cancelled = dana.post(&format!("/admin/jobs/{queued}/cancel"), json!({})).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.body["status"]), (200, &json!("cancelled")));
    let again = dana.post(&format!("/admin/jobs/{failed}/cancel"), json!({})).await;
    assert_eq!(problem_of(&again).1, "already_finished");
    let retried = dana.post(&format!("/admin/jobs/{failed}/retry"), json!({})).await;
    assert_eq!((retried.status.as_u16(), &retried.body["status"]), (200, &json!("queued")));
    let not_failed = dana.post(&format!("/admin/jobs/{queued}/retry"), json!({})).await;
    assert_eq!(problem_of(&not_failed).1, "already_finished");

    let log = dana.get("/admin/actions").await.body;
    let entries: Vec<_> = log["items"].as_array().unwrap().iter().rev().collect();
    let told =
        |index: usize| (entries[index]["action"].as_str(), entries[index]["target"].as_str());
    assert_eq!(told(0), (Some("cancel_job"), Some(queued.as_str())));
    assert_eq!(told(2), (Some("retry_job"), Some(failed.to_string().as_str())));
    assert_eq!(entries.len(), 4, "also what came to nothing: {log}");
    assert!(entries.iter().all(|entry| entry["operator"] == "dana"));
    assert!(entries.iter().all(|entry| entry["address"] == "127.0.0.1"), "{log}");
}

#[sqlx::test(migrations = "../migrations")]
async fn dead_letters_are_replayed_and_dropped_by_number(db: MySqlPool) {
    for _ in 0..3 {
        insert_failed(&db, Uuid::now_v7(), "ANALYZER_FAILED").await;
    }
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let dana = operator(&stack, &api, "dana");
    let letters = dana.get("/admin/dead-letters?reason=ANALYZER_FAILED").await.body;
    let numbers: Vec<u64> = letters["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers.len(), 3);
    let replay = json!({ "numbers": [numbers[0], 999_999] });
    let replayed = dana.post("/admin/dead-letters/replay", replay).await.body;
    assert_eq!((&replayed["replayed"], &replayed["left"]), (&json!(1), &json!(1)));
    let dropped = dana.post("/admin/dead-letters/drop", json!({ "numbers": [numbers[1]] })).await;
    assert_eq!(dropped.body["dropped"], 1);
    let left = dana.get("/admin/dead-letters").await.body;
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    let refused = dana.post("/admin/dead-letters/drop", json!({ "numbers": [] })).await;
    assert_eq!(problem_of(&refused).2, ["numbers"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paused_intake_leaves_jobs_in_the_queue_until_it_is_resumed(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let (guest, dana) = (api.guest().await, operator(&stack, &api, "dana"));
    let set = async |paused: bool| {
        let request = dana.request(Method::PUT, "/admin/intake").json(&json!({ "paused": paused }));
        let answer = dana.send(request).await;
        assert_eq!((answer.status.as_u16(), &answer.body["paused"]), (200, &json!(paused)));
    };
    let worker_is = async |activity: &str| {
        eventually(activity, async || {
            let replicas = dana.get("/admin/replicas").await.body;
            let all = replicas["items"].as_array()?.clone();
            let worker = all.into_iter().find(|replica| replica["program"] == "worker")?;
            (worker["activity"] == activity).then_some(worker)
        })
        .await
    };
    worker_is("ready").await;
    set(true).await;
    worker_is("paused").await;
    let job = guest.submit(&guest.unused_key()).await;
    eventually("the message waits", async || {
        (stack.messages_in("toneup.analysis.jobs").await == Some(1)).then_some(())
    })
    .await;
    // Another worker, begun while the intake is paused, leaves it as well.
    let _second = stack.worker();
    eventually("two paused workers", async || {
        let replicas = dana.get("/admin/replicas").await.body;
        let all = replicas["items"].as_array()?.clone();
        (all.iter().filter(|replica| replica["activity"] == "paused").count() == 2).then_some(())
    })
    .await;
    let path = format!("/v1/analyses/{}", job["id"].as_str().unwrap());
    assert_eq!(guest.get(&path).await.body["status"], "queued");
    assert_eq!(dana.get("/admin/overview").await.body["intake"]["changedBy"], "dana");
    set(false).await;
    eventually("it was taken", async || {
        // Nothing was uploaded.
        (guest.get(&path).await.body["error"]["code"] == "IMAGE_MISSING").then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_drained_replica_leaves_and_the_others_stay(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _one, _two) = (stack.api().await, stack.worker(), stack.worker());
    let dana = operator(&stack, &api, "dana");
    let workers = async || -> Vec<String> {
        let replicas = dana.get("/admin/replicas").await.body;
        let all = replicas["items"].as_array().unwrap().clone();
        let workers = all.iter().filter(|replica| replica["program"] == "worker");
        workers.map(|replica| replica["id"].as_str().unwrap().to_owned()).collect()
    };
    let both = eventually("both have reported", async || {
        let workers = workers().await;
        (workers.len() == 2).then_some(workers)
    })
    .await;
    let drained = dana.post(&format!("/admin/replicas/{}/drain", both[0]), json!({})).await;
    assert_eq!(drained.status, 202, "{drained:?}");
    eventually("one has left", async || (workers().await == both[1..]).then_some(())).await;
    let unknown = dana.post(&format!("/admin/replicas/{}/drain", Uuid::new_v4()), json!({})).await;
    assert_eq!(unknown.status, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_series_grow_and_can_be_read_from_where_one_was(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (guest, dana) = (api.guest().await, operator(&stack, &api, "dana"));
    guest.submit(&guest.unused_key()).await;
    let at = eventually("a sample with the queue in it", async || {
        let series = dana.get("/admin/series").await.body;
        let latest = series["items"].as_array()?.last()?.clone();
        (latest["queued"] == 1).then(|| latest["at"].as_i64().unwrap())
    })
    .await;
    let later = dana.get(&format!("/admin/series?since={at}")).await.body;
    let items = later["items"].as_array().unwrap();
    assert!(items.iter().all(|sample| sample["at"].as_i64().unwrap() > at), "{later}");
    assert_eq!(later["everySeconds"], 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn products_are_edited_and_who_did_it_is_recorded(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (guest, dana) = (api.guest().await, operator(&stack, &api, "dana"));
    let product = json!({
        "id": 7, "brand": "무드온", "name": "린넨 셔츠", "price": 39000, "type": "셔츠", "sex": "UNISEX",
        "color": "코랄", "hex": "#FF8A78", "url": "https://shop.example/7", "pictures": [], "seasons": [],
    });
    let put =
        |product: &Value| dana.send(dana.request(Method::PUT, "/admin/products/7").json(product));
    assert_eq!(dana.get("/admin/products/7").await.status, 404);
    let stored = put(&product).await;
    assert_eq!(stored.status, 200, "{stored:?}");
    assert!(!stored.body["seasons"].as_array().unwrap().is_empty(), "they follow from the colour");
    assert_eq!(dana.get("/admin/products/7").await.body, stored.body);
    assert_eq!(guest.get("/v1/products/7").await.body["name"], "린넨 셔츠");
    for (field, value) in
        [("id", json!(8)), ("brand", json!("")), ("price", json!(-1)), ("size", json!(1))]
    {
        let mut wrong = product.clone();
        wrong[field] = value;
        let refused = problem_of(&put(&wrong).await);
        assert_eq!((refused.0, refused.2), (422, vec![field.to_owned()]));
    }
    let delete = || dana.send(dana.request(Method::DELETE, "/admin/products/7"));
    assert_eq!(
        (delete().await.status, delete().await.status),
        (204.try_into().unwrap(), 404.try_into().unwrap())
    );
    let log = dana.get("/admin/actions").await.body;
    let actions: Vec<&str> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["delete_product", "delete_product", "write_product"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operators_tokens_end_when_they_are_revoked(db: MySqlPool) {
    let stack = Stack::new(db.clone()).await;
    let api = stack.api().await;
    let (dana, eve) = (operator(&stack, &api, "dana"), operator(&stack, &api, "eve"));
    assert_eq!(dana.get("/admin/overview").await.status, 200);
    let actor = Actor { operator: "eve", address: None };
    revoke(&Database::from(db.clone()), actor, "dana").await.unwrap();
    eventually("the refusal", async || {
        let answer = dana.get("/admin/overview").await;
        (answer.status == 401).then(|| assert_eq!(problem_of(&answer).1, "unauthenticated"))
    })
    .await;
    assert_eq!(eve.get("/admin/overview").await.status, 200);
    let recorded: (String, String) =
        sqlx::query_as("SELECT operator, target FROM operator_actions")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(recorded, ("eve".to_owned(), "dana".to_owned()));
    // One that is made afterwards is good.
    let ago = "UPDATE operator_revocations SET revoked_at = revoked_at - INTERVAL 1 MINUTE";
    sqlx::query(ago).execute(&db).await.unwrap();
    eventually("a new token", async || {
        (dana.get("/admin/overview").await.status == 200).then_some(())
    })
    .await;
}
