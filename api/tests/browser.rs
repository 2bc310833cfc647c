//! The page in a real browser: runs the suite of `tests/browser` against real processes.

use std::process::Stdio;
use std::time::Duration;

use sqlx::MySqlPool;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::process::Command;
use toneup_operate::token::sign;
use toneup_platform::origins::PageOrigins;
use toneup_testing::{RunningAnalyzer, Stack, repository};

use crate::catalogue::stock;
use crate::sign_in::Acme;

#[sqlx::test(migrations = "../migrations")]
async fn a_person_reads_their_season_off_the_page(db: MySqlPool) {
    let analyzer = RunningAnalyzer::start().await;
    let stack = Stack::new(db)
        .await
        .with("ANALYZER_URLS", &analyzer.url)
        .with("VAPID_PRIVATE_KEY", "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
        .with("VAPID_SUBJECT", "mailto:push@toneup.example")
        .with_bucket("browser");
    let (api, _worker) = (stack.api().await, stack.worker());
    // The bucket admits the page's own origin only, which is known once the api has its port.
    stack
        .objects()
        .prepare_bucket(&PageOrigins::of(&api.url.parse().unwrap(), vec![]), "u/", 1)
        .await
        .unwrap();

    let files = [
        "unit.test.mjs",
        "app-unit.test.mjs",
        "words.test.mjs",
        "calls.test.mjs",
        "submit.test.mjs",
        "watch.test.mjs",
        "follow.test.mjs",
        "package.test.mjs",
        "fallback.test.mjs",
        "client.test.mjs",
        "worker.test.mjs",
        "page.test.mjs",
        "notify.test.mjs",
    ];
    run(&files, &[("TONEUP_URL", &api.url)]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_person_keeps_a_profile(db: MySqlPool) {
    let stack = Stack::new(db).await.with_bucket("profile");
    let (api, _worker) = (stack.api().await, stack.worker());
    let origins = PageOrigins::of(&api.url.parse().unwrap(), vec![]);
    stack.objects().prepare_bucket(&origins, "u/", 1).await.unwrap();
    run(&["profile.test.mjs"], &[("TONEUP_URL", &api.url)]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn people_meet_on_the_page(db: MySqlPool) {
    let stack = Stack::new(db).await.with_bucket("meeting");
    let (api, _worker) = (stack.api().await, stack.worker());
    let origins = PageOrigins::of(&api.url.parse().unwrap(), vec![]);
    stack.objects().prepare_bucket(&origins, "u/", 1).await.unwrap();
    run(&["app.test.mjs", "app-chat.test.mjs"], &[("TONEUP_URL", &api.url)]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_person_shops_on_the_page(db: MySqlPool) {
    stock(&db, 1..=400).await;
    let api = Stack::new(db).await.api().await;
    run(&["app-shop.test.mjs"], &[("TONEUP_URL", &api.url)]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_person_signs_in_on_the_page(db: MySqlPool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Another site than the provider's.
    let page = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let acme = Acme::start(&page).await;
    let stack =
        Stack::new(db).await.with("PAGE_ORIGIN", &page).with("SIGN_IN_PROVIDERS", acme.settings());
    let _api = stack.api_on(listener);
    run(&["sign-in.test.mjs"], &[("TONEUP_URL", &page)]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operator_sees_and_steers_from_the_dashboard(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    // Nothing was uploaded: these fail at once.
    for _ in 0..3 {
        guest.submit(&guest.unused_key()).await;
    }
    let secret = stack.environment()["OPERATOR_SECRET"].clone().into();
    let token = sign(&secret, "dana", Duration::from_mins(10), OffsetDateTime::now_utc()).unwrap();
    let user_token = guest.session["accessToken"].as_str().unwrap();
    let vars =
        [("TONEUP_URL", api.url.as_str()), ("OPERATOR_TOKEN", &token), ("USER_TOKEN", user_token)];
    run(&["admin.test.mjs"], &vars).await;
}

/// Runs files of the suite; fails with what they say.
async fn run(files: &[&str], vars: &[(&str, &str)]) {
    let suite = Command::new("node")
        .args(["--test", "--test-reporter=spec", "--test-concurrency=1"])
        .args(files)
        .current_dir(repository().join("api/tests/browser"))
        .envs(vars.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (told, complained) =
        (String::from_utf8_lossy(&suite.stdout), String::from_utf8_lossy(&suite.stderr));
    assert!(suite.status.success(), "{told}{complained}");
    assert!(told.contains("tests ") && !told.contains("tests 0"), "it ran nothing: {told}");
}
