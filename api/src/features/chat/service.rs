//! What people do in conversations, whichever way they ask.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use toneup_colour::photo::is_key_of;
use toneup_people::pictures::Purpose;
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::content::Draft;
use super::hints::{Hint, Person};
use super::model::{Attachment, Content, RoomId, Seq};
use super::refusal::Refusal;
use super::state::ChatState;
use super::store::groups::Changed;
use super::store::pictures::{Made, find_or_order};
use super::store::place::{NewMessage, Stored};
use super::store::read::{Membership, find_membership, mark_read};
use super::store::send::find_sent;
use super::store::{direct, edit, leave};
use crate::features::accounts::find_known;
use crate::features::people::{self, user_blocked};
use crate::http::limits::Policy;
use crate::http::problem::ApiError;

/// Messages of one person.
const MESSAGES: Policy = Policy { name: "messages", quota: 20, window: Duration::from_secs(10) };
/// Rooms that one person may open in an hour.
pub(super) const ROOMS: Policy = Policy::per_hour("rooms", 60);
/// Longest wait for the pictures of a message.
const PICTURES_WAIT: Duration = Duration::from_secs(20);
/// Time between two looks at a picture that is being made; a hint comes sooner.
const PICTURE_LOOK: Duration = Duration::from_secs(1);

impl ChatState {
    /// Sends a message. Returns once it is stored; repeated with the same client key, it is the same message.
    pub(crate) async fn send(
        &self,
        user: UserId,
        room: RoomId,
        draft: Draft,
    ) -> Result<Stored, ApiError> {
        self.limiter.check(&MESSAGES, user.0).await?;
        let digest = draft.digest();
        let mut pictures = Vec::new();
        if !draft.uploads.is_empty() {
            let finding = bounded(async {
                let mut lent = self.pool.acquire().await?;
                if find_membership(&mut lent, room, user).await?.is_none() {
                    return Ok(None);
                }
                find_sent(&mut lent, room, user, &draft.client_key).await.map(Some)
            });
            let finding: Result<_, sqlx::Error> = finding.await;
            match finding?.ok_or(Refusal::NotFound)? {
                // Its pictures belong to it already.
                Some((stored, before)) if before == digest => return Ok(stored),
                Some(_) => return Err(Refusal::ClientKeyReused.into()),
                None => pictures = self.make_pictures(user, Purpose::Chat, &draft.uploads).await?,
            }
        }
        let message = NewMessage {
            id: Uuid::now_v7(),
            room,
            sender: user,
            client_key: draft.client_key,
            digest,
            content: Content { text: draft.text, pictures },
        };
        Ok(self.writer.send(message).await??)
    }

    /// The public number of a user.
    pub(crate) async fn number_of(&self, user: UserId) -> Result<u64, ApiError> {
        let finding = bounded(async { find_known(&mut *self.pool.acquire().await?, user).await });
        Ok(finding.await?.ok_or(Refusal::NotFound)?.number)
    }

    /// Waits until the pictures of uploads are made.
    pub(super) async fn make_pictures(
        &self,
        user: UserId,
        purpose: Purpose,
        uploads: &[String],
    ) -> Result<Vec<Attachment>, ApiError> {
        if let Some(foreign) = uploads.iter().position(|key| !is_key_of(user, key)) {
            let detail = "expected an objectKey that POST /v1/uploads gave to you";
            return Err(ApiError::invalid(&format!("pictures[{foreign}]"), detail));
        }
        let mut watch = self.watchers.subscribe(user);
        let deadline = Instant::now() + PICTURES_WAIT;
        loop {
            let looking = self.pool.in_transaction(async |conn| {
                let mut made = Vec::new();
                for upload in uploads {
                    made.push(find_or_order(conn, user, purpose, upload).await?);
                }
                Ok::<_, sqlx::Error>(made)
            });
            let made = bounded(looking).await?;
            if made.contains(&Made::Refused) {
                return Err(Refusal::PictureRefused.into());
            }
            let ready: Vec<Attachment> = made
                .into_iter()
                .filter_map(|one| match one {
                    Made::Ready(picture) => Some(picture),
                    Made::Pending | Made::Refused => None,
                })
                .collect();
            if ready.len() == uploads.len() {
                return Ok(ready);
            }
            if Instant::now() >= deadline {
                return Err(Refusal::PicturePending.into());
            }
            let next = deadline.min(Instant::now() + PICTURE_LOOK);
            drop(timeout_at(next, watch.changed()).await);
        }
    }

    /// Opens the direct room of two users.
    pub(crate) async fn open_direct(
        &self,
        user: UserId,
        peer: UserId,
    ) -> Result<direct::Opened, ApiError> {
        if user == peer {
            return Err(ApiError::invalid("userId", "expected another user's id"));
        }
        let finding =
            bounded(async { people::find(&mut *self.pool.acquire().await?, user, peer).await });
        let profile = finding.await?.ok_or(Refusal::NotFound)?;
        if profile.relation.is_blocked {
            return Err(user_blocked());
        }
        let opening = retry_deadlock(|| {
            self.pool.in_transaction(async |conn| direct::open(conn, user, peer).await)
        });
        let opened = bounded(opening).await?;
        let joined = if opened.is_new { vec![user, peer] } else { vec![user] };
        self.hub.tell(Hint::Log { room: opened.room, seq: 0, joined });
        Ok(opened)
    }

    /// Leaves a room.
    pub(crate) async fn leave(&self, user: UserId, room: RoomId) -> Result<(), ApiError> {
        let leaving = retry_deadlock(|| {
            self.pool.in_transaction(async |conn| leave::leave(conn, room, user).await)
        });
        let changed = bounded(leaving).await?;
        self.announce(changed?, Vec::new());
        Ok(())
    }

    /// Marks what a person has read of a room, up to an entry.
    pub(crate) async fn read(
        &self,
        who: Person,
        room: RoomId,
        seq: Seq,
    ) -> Result<Membership, ApiError> {
        let marking = bounded(async {
            let mut lent = self.pool.acquire().await?;
            mark_read(&mut lent, room, who.id, seq).await
        });
        let marked = marking.await?.ok_or(Refusal::NotFound)?;
        self.hub.announce_read(room, who, marked);
        Ok(marked.place)
    }

    /// Gives a message another text.
    pub(crate) async fn edit(
        &self,
        user: UserId,
        message: (RoomId, Seq),
        text: &str,
    ) -> Result<(), ApiError> {
        self.limiter.check(&MESSAGES, user.0).await?;
        let editing = retry_deadlock(|| {
            self.pool.in_transaction(async |conn| edit::edit(conn, message, user, text).await)
        });
        let changed = bounded(editing).await?;
        self.announce(changed?, Vec::new());
        Ok(())
    }

    /// Takes the contents of a message away.
    pub(crate) async fn delete(
        &self,
        user: UserId,
        message: (RoomId, Seq),
    ) -> Result<(), ApiError> {
        let deleting = retry_deadlock(|| {
            self.pool.in_transaction(async |conn| edit::delete(conn, message, user).await)
        });
        let changed = bounded(deleting).await?;
        self.announce(changed?, Vec::new());
        Ok(())
    }

    /// Tells of an entry that was written.
    pub(super) fn announce(&self, Changed { room, seq }: Changed, joined: Vec<UserId>) {
        if let Some(seq) = seq {
            self.hub.tell(Hint::Log { room, seq, joined });
        }
    }
}
