//! TLS connections to our own servers, with certificates of an authority that only `TLS_CA_FILE` names.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use serde_json::json;
use sqlx::MySqlPool;
use toneup_operate::migrations::MIGRATOR;
use toneup_platform::config::{BrokerConfig, RedisConfig, Section, Settings};
use toneup_platform::database::Database;
use toneup_platform::objects::Objects;
use toneup_platform::{broker, redis as pubsub};
use toneup_testing::{
    Authority, EncryptedDatabase, RunningAnalyzer, SOON, Stack, Terminated, eventually, photo,
};

/// Puts a TLS proxy with a certificate of `authority` in front of the server that `variable` names.
async fn encrypted(
    stack: Stack,
    variable: &str,
    scheme: &str,
    authority: &Authority,
) -> (Stack, Terminated) {
    let terminated = authority.before(&stack.environment()[variable], scheme).await;
    (stack.with(variable, &terminated.url), terminated)
}

fn section<T: Section>(stack: &Stack) -> T {
    let settings = Settings::from_vars(stack.environment().clone());
    settings.section().unwrap()
}

#[sqlx::test(migrations = false)]
async fn a_job_succeeds_with_every_link_encrypted_by_a_private_authority(db: MySqlPool) {
    let authority = Authority::default();
    let (stack, database, analyzer) = tokio::join!(
        Stack::new(db),
        EncryptedDatabase::start(&authority),
        RunningAnalyzer::start(),
    );
    let s3 = stack.environment()["S3_ENDPOINT"].clone();
    let stack = stack
        .with("TLS_CA_FILE", authority.file())
        .with("DATABASE_URL", &database.url)
        .with("ANALYZER_URLS", &analyzer.url)
        // Clients of S3 have nothing to do with our authority.
        .with("S3_PUBLIC_ENDPOINT", s3);
    let (stack, _broker) = encrypted(stack, "AMQP_URL", "amqps", &authority).await;
    let (stack, _redis) = encrypted(stack, "REDIS_URL", "rediss", &authority).await;
    let (stack, _s3) = encrypted(stack, "S3_ENDPOINT", "https", &authority).await;
    let (stack, _analyzer) = encrypted(stack, "ANALYZER_URLS", "https", &authority).await;
    MIGRATOR.run(&Database::open(&section(&stack)).unwrap().pool()).await.unwrap();

    let (api, worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    eventually("hints come through redis", async || {
        (guest.get("/readyz").await.body["hints"] == true).then_some(())
    })
    .await;
    let analysis = guest.submit(&guest.upload(photo("face.jpg")).await).await;
    let path = format!("/v1/analyses/{}?wait=20", analysis["id"].as_str().unwrap());
    let done = guest.get(&path).await.body;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(1)), "{done}");
    assert!(worker.stop().await, "the worker drained");
}

/// Error of a connection to a server whose certificate is of an unknown authority.
async fn refusal<T, E: std::fmt::Display>(asked: impl Future<Output = Result<T, E>>) -> String {
    let answer = tokio::time::timeout(SOON, asked).await.unwrap();
    answer.err().unwrap().to_string()
}

/// A stack that trusts one authority, and another authority for the servers.
async fn among_strangers(db: MySqlPool) -> (Stack, Authority, Authority) {
    let (ours, stranger) = (Authority::default(), Authority::default());
    (Stack::new(db).await.with("TLS_CA_FILE", ours.file()), ours, stranger)
}

#[sqlx::test(migrations = false)]
async fn a_broker_of_an_unknown_authority_is_refused(db: MySqlPool) {
    let (stack, _ours, stranger) = among_strangers(db).await;
    let (stack, _broker) = encrypted(stack, "AMQP_URL", "amqps", &stranger).await;
    let config: BrokerConfig = section(&stack);
    let said = refusal(broker::connect("toneup test", &config)).await;
    assert!(said.contains("UnknownIssuer"), "{said}");
}

#[sqlx::test(migrations = false)]
async fn a_redis_of_an_unknown_authority_is_refused(db: MySqlPool) {
    let (stack, _ours, stranger) = among_strangers(db).await;
    let (stack, _redis) = encrypted(stack, "REDIS_URL", "rediss", &stranger).await;
    let client = pubsub::client(&section::<RedisConfig>(&stack)).unwrap();
    let said = refusal(client.get_multiplexed_async_connection()).await;
    assert!(said.contains("UnknownIssuer"), "{said}");
    let said = refusal(client.get_async_pubsub()).await;
    assert!(said.contains("UnknownIssuer"), "{said}");
}

#[sqlx::test(migrations = false)]
async fn an_object_store_of_an_unknown_authority_is_refused(db: MySqlPool) {
    let (stack, _ours, stranger) = among_strangers(db).await;
    let (stack, _s3) = encrypted(stack, "S3_ENDPOINT", "https", &stranger).await;
    let objects = Objects::new(&section(&stack)).unwrap();
    let said = refusal(objects.check()).await;
    assert!(said.contains("UnknownIssuer"), "{said}");
}

#[sqlx::test(migrations = false)]
async fn a_database_of_an_unknown_authority_is_refused_unless_nothing_is_checked(db: MySqlPool) {
    let (stack, ours, stranger) = among_strangers(db).await;
    let database = EncryptedDatabase::start(&stranger).await;
    let acquire = async |stack: &Stack| {
        let database = Database::open(&section(stack)).unwrap();
        database.acquire().await.map(drop)
    };
    let stack = stack.with("DATABASE_URL", &database.url);
    let said = refusal(acquire(&stack)).await;
    assert!(said.contains("UnknownIssuer"), "{said}");

    let unchecked = format!("{}?ssl-mode=REQUIRED", database.url);
    acquire(&stack.with("DATABASE_URL", unchecked)).await.unwrap();
    drop(ours);
}
