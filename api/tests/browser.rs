//! The page in a real browser: runs the suite of `tests/browser` against real processes.

use std::process::Stdio;

use sqlx::MySqlPool;
use tokio::process::Command;
use toneup_testing::{RunningAnalyzer, Stack, repository};

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
    stack.objects().prepare_bucket(&api.url.parse().unwrap(), 1).await.unwrap();

    let folder = repository().join("api/tests/browser");
    let suite = Command::new("node")
        .args(["--test", "--test-reporter=spec", "--test-concurrency=1", "unit.test.mjs"])
        .args(["client.test.mjs", "worker.test.mjs", "page.test.mjs", "notify.test.mjs"])
        .current_dir(folder)
        .env("TONEUP_URL", &api.url)
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
