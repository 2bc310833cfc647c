//! `status`, `top`, `queue`, `workers`, `limits`, `admin`, `completions`: an operator's commands.

use secrecy::ExposeSecret;
use sqlx::{Connection, MySqlConnection};
use toneup_operate::replicas::{Activity, AnalyzerView, Program, Registry, Replica, WorkerLoad};
use toneup_platform::config::{RedisConfig, Settings};
use uuid::Uuid;

use crate::operator::with_database;
use crate::support::toneup;

/// Redis, under a prefix that no other test has.
fn redis() -> RedisConfig {
    let mut config: RedisConfig = Settings::from_env().section().unwrap();
    config.redis_prefix = format!("test-{}:", Uuid::now_v7());
    config
}

/// Environment of the binary.
fn environment<'a>(url: &'a str, redis: &'a RedisConfig) -> [(&'a str, &'a str); 4] {
    [
        ("DATABASE_URL", url),
        ("REDIS_URL", redis.redis_url.expose_secret()),
        ("REDIS_PREFIX", &redis.redis_prefix),
        ("USER", "eve"),
    ]
}

/// A worker with two requests at an analyzer that it considers unavailable.
fn worker() -> Replica {
    let analyzer = AnalyzerView {
        instance: "10.0.0.7:8000".to_owned(),
        limit: 5,
        in_flight: 2,
        slots: Some(4),
        breaker_open: true,
    };
    let load = WorkerLoad { limit: 5, in_flight: 2, waiting: 1, analyzers: vec![analyzer] };
    Replica { activity: Activity::Ready, load: Some(load), ..Replica::begin(Program::Worker) }
}

#[tokio::test]
async fn an_operator_sees_what_runs_and_what_needs_a_look() {
    with_database(async |url| {
        let redis = redis();
        let vars = environment(&url, &redis);
        assert_eq!(toneup(&["migrate"], &vars).code, 0);
        let alone = toneup(&["status", "--check"], &vars);
        assert_eq!(alone.code, 1, "{alone:?}");
        assert!(alone.stdout.contains("no worker runs"), "{alone:?}");
        assert_eq!(toneup(&["status"], &vars).code, 0);

        let (registry, worker) = (Registry::new(&redis).unwrap(), worker());
        assert!(!registry.exchange(&worker).await.unwrap());
        let status = toneup(&["status", "--json"], &vars).json();
        assert_eq!(status["queue"]["queued"], 0);
        assert_eq!(status["replicas"][0]["id"], worker.id.to_string());
        assert_eq!(status["analyzers"][0]["breakerOpen"], true);
        let workers = toneup(&["workers"], &vars);
        assert!(workers.stdout.contains("2 of 5 at work, 1 waiting"), "{workers:?}");
        let limits = toneup(&["limits"], &vars);
        assert!(limits.stdout.contains("10.0.0.7:8000") && limits.stdout.contains("away"));
        let top = toneup(&["top", "--once"], &vars);
        assert!(top.stdout.contains("at the analyzers: 2 of 5"), "{}", top.stdout);
        assert!(top.stdout.contains("analyzer 10.0.0.7:8000 is unavailable"), "{}", top.stdout);

        let unknown = toneup(&["workers", "drain", &Uuid::new_v4().to_string()], &vars);
        assert_eq!(unknown.code, 1, "{unknown:?}");
        let id = worker.id.to_string();
        let drained = toneup(&["workers", "drain", &id, "--as", "dana"], &vars);
        assert_eq!(drained.code, 0, "{drained:?}");
        assert!(registry.exchange(&worker).await.unwrap(), "it receives the request");
        assert!(!registry.exchange(&worker).await.unwrap(), "once");
    })
    .await;
}

#[tokio::test]
async fn pausing_and_resuming_is_kept_and_written_down() {
    with_database(async |url| {
        let redis = redis();
        let vars = environment(&url, &redis);
        assert_eq!(toneup(&["migrate"], &vars).code, 0);
        let depth = toneup(&["queue", "depth", "--json"], &vars).json();
        assert_eq!((&depth["queued"], &depth["running"]), (&0.into(), &0.into()));
        let paused = toneup(&["queue", "pause", "--as", "dana", "--json"], &vars);
        assert_eq!(paused.json()["paused"], true, "{paused:?}");
        let status = toneup(&["status", "--json"], &vars).json();
        assert_eq!(status["intakePaused"], true);
        let told = toneup(&["status"], &vars).stdout;
        assert!(told.contains("the intake is paused by dana"), "{told}");
        assert_eq!(toneup(&["queue", "resume"], &vars).code, 0);
        assert_eq!(toneup(&["status", "--json"], &vars).json()["intakePaused"], false);
        let mut connection = MySqlConnection::connect(&url).await.unwrap();
        let actions: Vec<(String, String)> =
            sqlx::query_as("SELECT operator, action FROM operator_actions ORDER BY id")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        let expected = [("dana", "pause_intake"), ("eve", "resume_intake")];
        assert_eq!(actions, expected.map(|(who, what)| (who.to_owned(), what.to_owned())));
    })
    .await;
}

#[test]
fn only_the_holder_of_the_key_makes_operators_and_not_for_long() {
    let token = ["admin", "token", "--name", "dana"];
    let without = toneup(&token, &[]);
    assert_eq!(without.code, 1);
    assert!(without.stderr.contains("OPERATOR_SECRET: must be set"), "{without:?}");
    let key = [("OPERATOR_SECRET", "a secret that only this test knows of")];
    let made = toneup(&token, &key);
    assert_eq!((made.code, made.stdout.trim().split('.').count()), (0, 3), "{made:?}");
    let long = toneup(&["admin", "token", "--name", "dana", "--ttl", "25h"], &key);
    assert!(long.code == 1 && long.stderr.contains("at most 24h"), "{long:?}");
    let odd = toneup(&["admin", "token", "--name", "d a n a"], &key);
    assert!(odd.code == 1 && odd.stderr.contains("--name"), "{odd:?}");
}

#[test]
fn no_help_shows_a_secret() {
    let vars = [
        ("OPERATOR_SECRET", "hunter2-hunter2"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("REDIS_URL", "redis://:hunter2@h/0"),
    ];
    for command in ["admin", "status", "top", "queue", "jobs", "dead", "workers", "limits"] {
        let help = toneup(&[command, "--help"], &vars);
        assert_eq!(help.code, 0, "{help:?}");
        assert!(!help.stdout.contains("hunter2") && help.stdout.contains("Exit codes"), "{help:?}");
    }
    let token = toneup(&["admin", "token", "--help"], &vars);
    assert!(!token.stdout.contains("hunter2"), "{token:?}");
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = toneup(&["completions", shell], &[]);
        assert!(script.code == 0 && script.stdout.contains("toneup"), "{script:?}");
        assert!(script.stdout.contains("workers") && script.stdout.contains("drain"));
    }
}
