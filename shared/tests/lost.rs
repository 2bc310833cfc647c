//! Messages that vanish from the queue, as the database sees it.

use sqlx::MySqlPool;
use toneup_shared::analyses::audit::{Suspects, count_waiting, list_published, mark_lost, now};
use toneup_shared::analyses::due::{Scope, note_published, take_due};
use toneup_shared::analyses::{AnalysisId, history};

use crate::support::{GRACE, MAX_ATTEMPTS, claimed, submit, user};

#[sqlx::test(migrations = "../migrations")]
async fn only_rows_that_lost_their_message_are_published_again(db: MySqlPool) {
    let ids = submit(&db, user(&db).await, 4).await;
    let mut connection = db.acquire().await.unwrap();
    // One after the other, so that the order of publishing is known.
    for id in &ids[..3] {
        note_published(&mut connection, &[(*id, 0)]).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    claimed(&db, ids[1]).await;
    assert_eq!(count_waiting(&mut connection).await.unwrap(), 3);

    let mut suspects = Suspects::default();
    let mut lost = Vec::new();
    for _ in 0..2 {
        let before = now(&mut connection).await.unwrap();
        let published = list_published(&mut connection, before).await.unwrap();
        let listed: Vec<AnalysisId> = published.iter().map(|row| row.id).collect();
        assert_eq!(listed, [ids[2], ids[0]], "the latest first; none that is taken or unconfirmed");
        lost = suspects.judge(&published, 1);
    }
    let mut transaction = db.begin().await.unwrap();
    assert_eq!(mark_lost(&mut transaction, &lost).await.unwrap(), 1);
    assert_eq!(mark_lost(&mut transaction, &lost).await.unwrap(), 0, "once is enough");
    let due = take_due(&mut transaction, Scope::All, GRACE, MAX_ATTEMPTS).await.unwrap();
    transaction.commit().await.unwrap();
    let republished: Vec<AnalysisId> = due.publications.iter().map(|one| one.analysis).collect();
    assert_eq!(republished, [ids[0]]);
    let history = history::read(&mut connection, ids[0]).await.unwrap();
    assert_eq!(history[0].kind, "message_lost");
}
