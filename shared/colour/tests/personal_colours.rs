//! A user's personal colour follows the analyses that succeed, in the transactions that end them.

use sqlx::MySqlPool;
use toneup_colour::result::PersonalColor::{self, Autumn, Spring, Summer, Winter};
use toneup_jobs::job::JobId;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_jobs::store::finish::Guard;
use toneup_platform::identity::UserId;

use crate::support::{end, finish, season, submit, user};

async fn colour(db: &MySqlPool, user: UserId) -> Option<PersonalColor> {
    let find = sqlx::query_scalar("SELECT colour FROM personal_colours WHERE user_id = ?");
    find.bind(user).fetch_optional(db).await.unwrap()
}

async fn succeed(db: &MySqlPool, ended: &[(UserId, JobId, PersonalColor)]) {
    let ends: Vec<_> = ended
        .iter()
        .map(|(user, job, color)| {
            end(*user, *job, Guard::Active, Outcome::Succeeded(season(*color)))
        })
        .collect();
    finish(db, &ends).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_analysis_submitted_last_counts_whichever_ends_first(db: MySqlPool) {
    let (alice, bob) = (user(&db).await, user(&db).await);
    let (mine, other) = (submit(&db, alice, 4).await, submit(&db, bob, 1).await);
    assert_eq!(colour(&db, alice).await, None);
    succeed(&db, &[(alice, mine[1], Summer), (bob, other[0], Winter)]).await;
    assert_eq!((colour(&db, alice).await, colour(&db, bob).await), (Some(Summer), Some(Winter)));
    succeed(&db, &[(alice, mine[0], Spring)]).await;
    assert_eq!(colour(&db, alice).await, Some(Summer), "an earlier one that ends later");
    succeed(&db, &[(alice, mine[3], Winter), (alice, mine[2], Autumn)]).await;
    assert_eq!(colour(&db, alice).await, Some(Winter), "in one batch, in any order");
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_analysis_without_a_result_changes_nothing(db: MySqlPool) {
    let user = user(&db).await;
    let ids = submit(&db, user, 3).await;
    succeed(&db, &[(user, ids[0], Autumn)]).await;
    let failed = Outcome::Failed(JobError::permanent("NO_FACE", "No face was found."));
    let ends = [
        end(user, ids[1], Guard::Active, failed),
        end(user, ids[2], Guard::Active, Outcome::Cancelled),
    ];
    finish(&db, &ends).await;
    assert_eq!(colour(&db, user).await, Some(Autumn));
}
