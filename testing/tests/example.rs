//! The example of the engine runs: a program with a kind of job of its own.

use std::time::Duration;

use sqlx::MySqlPool;
use toneup_platform::config::Settings;
use toneup_testing::Stack;

#[expect(dead_code, unreachable_pub, reason = "a program by itself, whose main is not called here")]
#[path = "../../shared/jobs/examples/greetings.rs"]
mod greetings;

#[sqlx::test(migrations = "../migrations")]
async fn a_program_of_its_own_runs_jobs_on_the_engine(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let settings = Settings::from_vars(stack.environment().clone());
    let greeting = greetings::greet(&settings, "Ada");
    let greeting = tokio::time::timeout(Duration::from_secs(30), greeting).await.unwrap();
    assert_eq!(greeting.unwrap(), "Hello, Ada!");
}
