//! Messages that vanish from the queue, as the database sees it.

use sqlx::MySqlPool;
use toneup_colour::analysis::ANALYSIS;
use toneup_jobs::job::JobId;
use toneup_jobs::store::audit::{Suspects, count_published, find_missing, mark_lost, now};
use toneup_jobs::store::due::{Scope, note_published};
use toneup_jobs::store::transitions;

use crate::support::{claimed, submit, take_due, user};

#[sqlx::test(migrations = "../../migrations")]
async fn only_rows_that_lost_their_message_are_published_again(db: MySqlPool) {
    let ids = submit(&db, user(&db).await, 4).await;
    let mut connection = db.acquire().await.unwrap();
    // One after the other, so that the order of publishing is known.
    for id in &ids[..3] {
        note_published(&mut connection, &[(*id, 0)]).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    claimed(&db, ids[1]).await;
    let noted = now(&mut connection).await.unwrap();
    assert_eq!(
        count_published(&mut connection, ANALYSIS, noted).await.unwrap(),
        2,
        "none that is taken or unconfirmed"
    );

    let mut suspects = Suspects::default();
    let mut lost = Vec::new();
    for _ in 0..2 {
        let before = now(&mut connection).await.unwrap();
        assert_eq!(find_missing(&mut connection, ANALYSIS, before, 2).await.unwrap(), []);
        let missing = find_missing(&mut connection, ANALYSIS, before, 1).await.unwrap();
        let listed: Vec<JobId> = missing.iter().map(|row| row.id).collect();
        assert_eq!(listed, [ids[0]], "the one published first");
        lost = suspects.find_lost(&missing);
    }
    let mut transaction = db.begin().await.unwrap();
    assert_eq!(mark_lost(&mut transaction, &lost).await.unwrap(), 1);
    assert_eq!(mark_lost(&mut transaction, &lost).await.unwrap(), 0, "once is enough");
    let due = take_due(&mut transaction, Scope::All).await;
    transaction.commit().await.unwrap();
    let republished: Vec<JobId> = due.publications.iter().map(|one| one.job).collect();
    assert_eq!(republished, [ids[0]]);
    let history = transitions::read(&mut connection, ids[0]).await.unwrap();
    assert_eq!(history[0].transition, "message_lost");
}
