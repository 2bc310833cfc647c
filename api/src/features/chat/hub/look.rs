//! Looking by the clock at the rooms that are followed, since hints may be lost: a few statements for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::QueryBuilder;
use tokio::time::sleep;
use toneup_platform::database::{bind_list, bounded};
use toneup_platform::identity::UserId;

use super::Hub;
use super::connection::Connection;
use crate::features::chat::hints::Person;
use crate::features::chat::model::{RoomId, Seq};

/// Interval while hints arrive: they may still get lost.
const HINTED: Duration = Duration::from_secs(15);
/// Interval while no hints arrive.
const UNHINTED: Duration = Duration::from_millis(1500);
/// Rooms or users looked at with one statement.
const CHUNK: usize = 500;

impl Hub {
    /// Looks at all rooms that are followed, until the process drains: by the clock, and when hints begin to come or cease.
    pub(super) async fn look(self) {
        let mut hinted = self.0.hinted.clone();
        loop {
            let comes = *hinted.borrow_and_update();
            let pause = if comes { HINTED } else { UNHINTED };
            // Replicas that lost Redis together should not read together.
            let pause = pause.mul_f64(rand::random_range(0.8..1.2));
            let changed = tokio::select! {
                () = self.0.draining.cancelled() => return,
                () = sleep(pause) => false,
                Ok(()) = hinted.changed() => true,
            };
            let looking = async {
                self.look_at_logs().await?;
                if changed || !comes {
                    // Hints of these were lost; nothing else tells of them.
                    self.look_at_marks().await?;
                    self.look_at_memberships().await?;
                }
                Ok::<_, sqlx::Error>(())
            };
            if let Err(error) = looking.await {
                tracing::warn!(%error, "cannot look at the rooms that are followed");
            }
        }
    }

    fn followed(&self) -> Vec<RoomId> {
        self.lock().keys().copied().collect()
    }

    async fn look_at_logs(&self) -> Result<(), sqlx::Error> {
        for some in self.followed().chunks(CHUNK) {
            let mut query = QueryBuilder::new("SELECT id, last_seq FROM rooms WHERE id IN ");
            bind_list(&mut query, some.iter().copied());
            let reading = bounded(async {
                let mut lent = self.0.pool.acquire().await?;
                query.build_query_as().fetch_all(&mut *lent).await
            });
            let heads: Vec<(RoomId, Seq)> = reading.await?;
            for (room, seq) in heads {
                self.hear_log(room, seq);
            }
        }
        Ok(())
    }

    async fn look_at_marks(&self) -> Result<(), sqlx::Error> {
        for some in self.followed().chunks(CHUNK) {
            let mut query = QueryBuilder::new(
                "SELECT m.room_id, m.user_id, u.number, m.read_seq
                 FROM members m JOIN users u ON u.id = m.user_id WHERE m.room_id IN ",
            );
            bind_list(&mut query, some.iter().copied());
            let reading = bounded(async {
                let mut lent = self.0.pool.acquire().await?;
                query.build_query_as().fetch_all(&mut *lent).await
            });
            let marks: Vec<(RoomId, UserId, u64, Seq)> = reading.await?;
            for (room, id, number, seq) in marks {
                let known = self.find(room).and_then(|open| open.lock().reads.of(id));
                if known.is_some_and(|known| known < seq) {
                    self.hear_reads(room, seq, &[Person { id, number }]);
                }
            }
        }
        Ok(())
    }

    async fn look_at_memberships(&self) -> Result<(), sqlx::Error> {
        let mut users: BTreeMap<UserId, Vec<Arc<Connection>>> = BTreeMap::new();
        for connection in self.connections() {
            if connection.follows_all() {
                users.entry(connection.person.id).or_default().push(connection);
            }
        }
        let ids: Vec<UserId> = users.keys().copied().collect();
        for some in ids.chunks(CHUNK) {
            let mut query =
                QueryBuilder::new("SELECT user_id, room_id FROM members WHERE user_id IN ");
            bind_list(&mut query, some.iter().copied());
            let reading = bounded(async {
                let mut lent = self.0.pool.acquire().await?;
                query.build_query_as().fetch_all(&mut *lent).await
            });
            let joined: Vec<(UserId, RoomId)> = reading.await?;
            for (user, room) in joined {
                for connection in users.get(&user).into_iter().flatten() {
                    if !connection.rooms().contains(&room) {
                        self.spawn_follow(Arc::clone(connection), room);
                    }
                }
            }
        }
        Ok(())
    }
}
