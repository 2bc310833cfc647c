//! `migrate` and `jobs` against a database of the test's own; `bucket` against the object store.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use secrecy::ExposeSecret;
use sqlx::{Connection, Executor, MySqlConnection};
use toneup_colour::result::{AnalysisResult, PersonalColor};
use toneup_platform::config::{DatabaseConfig, Settings};
use url::Url;
use uuid::Uuid;

use crate::support::toneup;

/// Runs a test with the address of an empty database, on the server of `DATABASE_URL`, and drops it afterwards.
pub(crate) async fn with_database<T: Future<Output = ()>>(test: impl FnOnce(String) -> T) {
    let config: DatabaseConfig = Settings::from_env().section().unwrap();
    let server = config.database_url.expose_secret();
    let name = format!("toneup_test_{}", Uuid::new_v4().simple());
    let mut admin = MySqlConnection::connect(server).await.unwrap();
    let create = format!("CREATE DATABASE {name}");
    admin.execute(sqlx::AssertSqlSafe(create)).await.unwrap();

    let mut url: Url = server.parse().unwrap();
    url.set_path(&name);
    let ended = AssertUnwindSafe(test(url.into())).catch_unwind().await;

    let drop_it = format!("DROP DATABASE {name}");
    admin.execute(sqlx::AssertSqlSafe(drop_it)).await.unwrap();
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
}

/// Inserts a row as a worker leaves it.
async fn insert_job(url: &str, id: Uuid, status: &str) {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let insert = "INSERT INTO jobs
        (id, kind, user_id, payload, status, attempt, created_at, started_at, finished_at)
        VALUES (?, 'analysis', ?, '{\"objectKey\":\"u/7/a.jpg\"}', ?, 1, '2025-01-01 10:00:00', '2025-01-01 10:00:01',
                IF(? = 'queued', NULL, '2025-01-01 10:00:02.5'))";
    let insert = sqlx::query(insert).bind(id).bind(Uuid::now_v7()).bind(status).bind(status);
    insert.execute(&mut connection).await.unwrap();
}

async fn insert_outcome(url: &str, id: Uuid, result: Option<AnalysisResult>, code: Option<&str>) {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let insert = "INSERT INTO job_outcomes
        (job_id, result, error_code, error_message, error_retryable) VALUES (?, ?, ?, ?, ?)";
    let insert = sqlx::query(insert).bind(id).bind(result.map(sqlx::types::Json)).bind(code);
    let insert = insert.bind(code.map(|_| "no face was found")).bind(code.map(|_| false));
    insert.execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_second_migration_finds_the_schema_up_to_date() {
    with_database(async |url| {
        let vars = [("DATABASE_URL", url.as_str())];
        let early = toneup(&["jobs", "list"], &vars);
        assert_eq!(early.code, 1, "{early:?}");
        assert!(early.stderr.contains("run `toneup migrate`"), "{early:?}");

        let first = toneup(&["migrate"], &vars);
        assert_eq!((first.code, first.stderr.as_str()), (0, ""), "{first:?}");
        assert!(first.stdout.starts_with("applied 0001 create users\n"), "{first:?}");

        let second = toneup(&["migrate"], &vars);
        assert_eq!(second.code, 0, "{second:?}");
        assert!(second.stdout.starts_with("schema is up to date"), "{second:?}");

        let third = toneup(&["migrate", "--json"], &vars).json();
        assert_eq!(third["applied"], serde_json::json!([]));
        assert!(third["version"].as_i64().unwrap() >= 6);
    })
    .await;
}

#[tokio::test]
async fn migrations_started_at_once_apply_each_change_once() {
    with_database(async |url| {
        let runs: Vec<_> = (0..3)
            .map(|_| {
                let url = url.clone();
                std::thread::spawn(move || {
                    toneup(&["migrate", "--json"], &[("DATABASE_URL", &url)])
                })
            })
            .collect();
        let applied = runs.into_iter().map(|run| {
            let run = run.join().unwrap();
            assert_eq!(run.code, 0, "{run:?}");
            run.json()["applied"].as_array().unwrap().len()
        });
        let mut applied: Vec<_> = applied.collect();
        applied.sort_unstable();
        assert_eq!(applied[..2], [0, 0], "one of them migrates");
        assert!(applied[2] >= 6, "{applied:?}");
    })
    .await;
}

#[tokio::test]
async fn a_migration_of_a_table_in_use_blocks_no_other_statement_and_succeeds_in_the_end() {
    with_database(async |url| {
        let vars = [("DATABASE_URL", url.as_str())];
        assert_eq!(toneup(&["migrate"], &vars).code, 0);
        let mut other = MySqlConnection::connect(&url).await.unwrap();
        other.execute("ALTER TABLE dead_letters DROP KEY dead_letters_reason").await.unwrap();
        other.execute("DELETE FROM _sqlx_migrations WHERE version = 18").await.unwrap();
        let mut user = other.begin().await.unwrap();
        user.execute("SELECT COUNT(*) FROM dead_letters").await.unwrap();

        let impatient = toneup(&["migrate", "--wait", "1s"], &vars);
        assert_eq!(impatient.code, 1, "{impatient:?}");

        let migrating = {
            let url = url.clone();
            std::thread::spawn(move || {
                toneup(&["migrate", "--json", "--wait", "5m"], &[("DATABASE_URL", &url)])
            })
        };
        let mut watch = MySqlConnection::connect(&url).await.unwrap();
        let waits = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()
            AND state LIKE 'Waiting for table metadata lock%'";
        let give_up = Instant::now() + Duration::from_mins(1);
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut watch).await.unwrap() == 0 {
            assert!(Instant::now() < give_up, "the migration does not reach the table");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Behind a change that waits for ever this would wait for ever.
        watch.execute("SELECT COUNT(*) FROM dead_letters").await.unwrap();
        user.commit().await.unwrap();
        let run = migrating.join().unwrap();
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(run.json()["applied"][0]["version"], 18);
    })
    .await;
}

#[tokio::test]
async fn jobs_are_listed_and_shown() {
    with_database(async |url| {
        let vars = [("DATABASE_URL", url.as_str())];
        assert_eq!(toneup(&["migrate"], &vars).code, 0);
        assert_eq!(toneup(&["jobs", "list"], &vars).stdout, "no jobs\n");
        let none = toneup(&["jobs", "list", "--status", "queued"], &vars);
        assert_eq!((none.code, none.stdout.as_str()), (0, "no queued jobs\n"));
        assert_eq!(toneup(&["jobs", "list", "--json"], &vars).json(), serde_json::json!([]));

        let [oldest, failed, newest] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
        insert_job(&url, oldest, "succeeded").await;
        insert_outcome(&url, oldest, Some(AnalysisResult::bare(PersonalColor::Winter)), None).await;
        insert_job(&url, failed, "failed").await;
        insert_outcome(&url, failed, None, Some("NO_FACE")).await;
        insert_job(&url, newest, "queued").await;

        let table = toneup(&["jobs", "list"], &vars).stdout;
        let rows: Vec<_> = table.lines().collect();
        assert_eq!(rows.len(), 4, "{table}");
        assert!(rows[1].starts_with(&newest.to_string()), "{table}");
        assert!(
            rows[2].ends_with("failed     1        2025-01-01 10:00:00  2.5 s  NO_FACE"),
            "{table}"
        );
        assert!(
            rows[3].ends_with("succeeded  1        2025-01-01 10:00:00  2.5 s  WINTER"),
            "{table}"
        );

        let limited = toneup(&["jobs", "list", "--limit", "2", "--json"], &vars).json();
        assert_eq!(limited.as_array().unwrap().len(), 2);
        assert_eq!(limited[1]["error"]["code"], "NO_FACE");
        assert_eq!(limited[1]["createdAt"], "2025-01-01T10:00:00Z");
        let queued = toneup(&["jobs", "list", "--status", "queued", "--json"], &vars).json();
        assert_eq!(queued[0]["id"], newest.to_string());

        let shown = toneup(&["jobs", "show", &oldest.to_string()], &vars).stdout;
        assert!(shown.contains("started     2025-01-01 10:00:01  (+1.0 s)"), "{shown}");
        assert!(shown.contains("WINTER"), "{shown}");
        let shown = toneup(&["jobs", "show", &failed.to_string(), "--json"], &vars).json();
        assert_eq!(shown["error"]["message"], "no face was found");
        let missing = toneup(&["jobs", "show", &Uuid::now_v7().to_string()], &vars);
        assert_eq!(missing.code, 1);
        assert!(missing.stderr.contains("there is no job"), "{missing:?}");
    })
    .await;
}

async fn insert_letter(url: &str, job: Option<Uuid>, reason: &str) {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let insert = "INSERT INTO dead_letters (source, job_id, reason, message, created_at)
        VALUES (IF(? IS NULL, 'broker', 'job'), ?, ?, 'it went wrong', '2025-01-01 10:00:03')";
    sqlx::query(insert).bind(job).bind(job).bind(reason).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn dead_letters_are_listed_shown_replayed_and_dropped() {
    with_database(async |url| {
        let vars = [("DATABASE_URL", url.as_str())];
        assert_eq!(toneup(&["migrate"], &vars).code, 0);
        assert_eq!(toneup(&["dead", "list"], &vars).stdout, "no dead letters\n");
        let (failed, ended) = (Uuid::now_v7(), Uuid::now_v7());
        insert_job(&url, failed, "failed").await;
        insert_outcome(&url, failed, None, Some("ANALYZER_FAILED")).await;
        insert_job(&url, ended, "succeeded").await;
        insert_letter(&url, Some(failed), "ANALYZER_FAILED").await;
        insert_letter(&url, None, "REJECTED").await;
        insert_letter(&url, Some(ended), "DELIVERY_LIMIT").await;

        let listed = toneup(&["dead", "list", "--json"], &vars).json();
        assert_eq!(listed.as_array().unwrap().len(), 3);
        assert_eq!(
            (&listed[2]["job"], &listed[1]["job"]),
            (&failed.to_string().into(), &serde_json::Value::Null)
        );
        let rejected = toneup(&["dead", "list", "--reason", "REJECTED"], &vars).stdout;
        assert_eq!(rejected.lines().count(), 2, "{rejected}");

        let replayed = toneup(&["dead", "replay", "1", "3", "--json"], &vars).json();
        assert_eq!(
            (&replayed[0]["outcome"], &replayed[1]["outcome"]),
            (&"queued".into(), &"succeeded".into())
        );
        let job = toneup(&["jobs", "show", &failed.to_string(), "--json"], &vars).json();
        assert_eq!((&job["status"], &job["attempt"]), (&"queued".into(), &0.into()));
        assert_eq!(job["history"][0]["kind"], "replayed");
        let shown = toneup(&["dead", "show", "3"], &vars).stdout;
        assert!(shown.contains("DELIVERY_LIMIT") && shown.contains(&ended.to_string()), "{shown}");

        let dropped = toneup(&["dead", "drop", "--all"], &vars);
        assert_eq!((dropped.code, dropped.stdout.lines().count()), (0, 2), "{dropped:?}");
        let none = toneup(&["dead", "show", "3"], &vars);
        assert_eq!((none.code, none.stderr.as_str()), (1, "error: there is no dead letter 3\n"));
        assert_eq!(toneup(&["dead", "replay"], &vars).code, 2, "nothing named is nothing replayed");
    })
    .await;
}

#[test]
fn an_unreachable_database_exits_with_3_once_the_wait_is_over() {
    let vars = [("DATABASE_URL", "mysql://toneup:hidden@127.0.0.1:9/toneup")];
    let began = Instant::now();
    for args in [&["migrate", "--wait", "1s"][..], &["jobs", "list"]] {
        let run = toneup(args, &vars);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{run:?}");
        assert!(run.stderr.contains("cannot reach the database at 127.0.0.1:9"), "{run:?}");
        assert!(!run.stderr.contains("hidden"), "{run:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_missing_setting_is_named() {
    let run = toneup(&["migrate"], &[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.stderr, "error: DATABASE_URL: must be set\n");
}

#[test]
fn an_unreachable_object_store_exits_with_3() {
    let vars = [
        ("S3_ENDPOINT", "http://127.0.0.1:9"),
        ("S3_ACCESS_KEY_ID", "key"),
        ("S3_SECRET_ACCESS_KEY", "hidden"),
    ];
    let run = toneup(&["bucket"], &vars);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{run:?}");
    assert!(run.stderr.contains("the object store at http://127.0.0.1:9"), "{run:?}");
    assert!(!run.stderr.contains("hidden"), "{run:?}");
}

#[tokio::test]
async fn counters_are_compared_with_their_rows() {
    with_database(async |url| {
        let environment = [("DATABASE_URL", url.as_str())];
        assert_eq!(toneup(&["migrate"], &environment).code, 0);
        let mut connection = MySqlConnection::connect(&url).await.unwrap();
        connection
            .execute(
                "INSERT INTO content_counters (kind, target_id, likes) VALUES ('post', 7, 1);
                 INSERT INTO likes VALUES ('post', 7, REPEAT('x', 16), NOW(6))",
            )
            .await
            .unwrap();
        let same = toneup(&["check", "counters"], &environment);
        assert_eq!((same.code, same.stdout.lines().count()), (0, 8), "{same:?}");
        connection.execute("UPDATE content_counters SET likes = 3").await.unwrap();
        let other = toneup(&["check", "counters"], &environment);
        assert_eq!(other.code, 1);
        assert!(other.stdout.contains("post 7: 3 instead of 1"), "{other:?}");
    })
    .await;
}
