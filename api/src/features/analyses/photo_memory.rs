//! The memory that photos of forms lie in until S3 has them: so much for all, few at once for one user. Where it is full, what
//! arrives slowest gives way: otherwise a few clients that trickle could keep everybody out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use toneup_colour::photo::PHOTO_LIMIT_BYTES;
use toneup_platform::identity::UserId;

use super::problems::too_many_uploads;
use crate::http::problem::ApiError;

/// Forms of one user that are read at once by a replica.
const PER_USER: usize = 4;
/// Photos that one user's forms may hold, in bytes: as much in one form of several photos as in several of one.
pub(super) const USER_LIMIT_BYTES: u64 = PER_USER as u64 * PHOTO_LIMIT_BYTES;
/// Room for the form around photos, in bytes.
pub(super) const FORM_OVERHEAD_BYTES: u64 = 64 * 1024;
/// The same with the forms around the photos.
const USER_ROOM_BYTES: u64 = USER_LIMIT_BYTES + PER_USER as u64 * FORM_OVERHEAD_BYTES;
/// Maximum time for which a photo waits for memory.
const WAIT: Duration = Duration::from_secs(5);
/// Time that a photo may take to arrive before it can be made to give way.
const GRACE: Duration = Duration::from_secs(10);

/// The memory of a replica. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct PhotoMemory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most_bytes: u64,
    photos: Mutex<Photos>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Photos {
    used_bytes: u64,
    next: u64,
    arriving: HashMap<u64, Arriving>,
}

/// A photo on its way, or whole and on its way to S3.
#[derive(Debug)]
struct Arriving {
    user: Option<UserId>,
    bytes: u64,
    begun: Instant,
    whole: bool,
    giving_way: CancellationToken,
}

/// Reason for which a photo gets no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRoom {
    /// It arrived slowly, and others wait.
    #[error("a photo that arrived slowly gave way to others")]
    GaveWay,
    /// No memory became free in time.
    #[error("there are too many photos in memory")]
    Full,
}

/// Room of one photo, until it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    id: u64,
    memory: PhotoMemory,
    giving_way: CancellationToken,
}

impl PhotoMemory {
    pub(super) fn new(most_bytes: u64) -> Self {
        Self(Arc::new(Shared { most_bytes, photos: Mutex::default(), freed: Notify::new() }))
    }

    /// Begins a photo. Those without a user, which are no user's, are not counted together.
    pub(super) fn begin(&self, user: Option<UserId>) -> Result<Room, ApiError> {
        let mut photos = self.lock();
        let of_user = photos.arriving.values().filter(|photo| user.is_some() && photo.user == user);
        if of_user.count() >= PER_USER {
            return Err(too_many_uploads(PER_USER));
        }
        let (id, giving_way) = (photos.next, CancellationToken::new());
        let begun = Instant::now();
        let photo =
            Arriving { user, bytes: 0, begun, whole: false, giving_way: giving_way.clone() };
        photos.arriving.insert(id, photo);
        photos.next += 1;
        Ok(Room { id, memory: self.clone(), giving_way })
    }

    fn lock(&self) -> MutexGuard<'_, Photos> {
        self.0.photos.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Lets a body in as far as there is room for it; ends it with [`NoRoom`].
    pub(super) fn admit(&self, body: Body) -> Body {
        let (id, memory, giving_way) = (self.id, self.memory.clone(), self.giving_way.clone());
        Body::from_stream(unfold(body.into_data_stream(), move |mut parts| {
            let (memory, giving_way) = (memory.clone(), giving_way.clone());
            async move {
                let part = match giving_way.run_until_cancelled(parts.next()).await {
                    None => Err(NoRoom::GaveWay.into()),
                    Some(None) => return None,
                    Some(Some(Err(error))) => Err(error.into()),
                    Some(Some(Ok(part))) => {
                        let bytes = u64::try_from(part.len()).unwrap_or(u64::MAX);
                        memory.grow(id, bytes).await.map(|()| part).map_err(BoxError::from)
                    }
                };
                Some((part, parts))
            }
        }))
    }

    /// Notes that the photo is there: what it still takes is not its client's fault.
    pub(super) fn complete(&self) {
        if let Some(photo) = self.memory.lock().arriving.get_mut(&self.id) {
            photo.whole = true;
        }
    }
}

impl PhotoMemory {
    /// Takes room for more bytes of a photo; waits for it a little.
    async fn grow(&self, id: u64, bytes: u64) -> Result<(), NoRoom> {
        let deadline = Instant::now() + WAIT;
        loop {
            let freed = self.0.freed.notified();
            {
                let mut photos = self.lock();
                if photos.take(id, bytes, self.0.most_bytes) {
                    return Ok(());
                }
                // Forms of one user wait for each other; nobody else's gives way to them.
                if photos.has_users_room(id, bytes) {
                    match photos.slowest(Instant::now()) {
                        Some(slowest) if slowest == id => return Err(NoRoom::GaveWay),
                        Some(slowest) => photos.ask_to_give_way(slowest),
                        None => {}
                    }
                }
            }
            if timeout_at(deadline, freed).await.is_err() {
                return Err(NoRoom::Full);
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut photos = self.memory.lock();
        if let Some(photo) = photos.arriving.remove(&self.id) {
            photos.used_bytes -= photo.bytes;
        }
        drop(photos);
        self.memory.0.freed.notify_waiters();
    }
}

impl Photos {
    fn take(&mut self, id: u64, bytes: u64, most_bytes: u64) -> bool {
        let fits = self.used_bytes + bytes <= most_bytes && self.has_users_room(id, bytes);
        if let (true, Some(photo)) = (fits, self.arriving.get_mut(&id)) {
            self.used_bytes += bytes;
            photo.bytes += bytes;
        }
        fits
    }

    /// True if the user's forms may hold so many more bytes.
    fn has_users_room(&self, id: u64, bytes: u64) -> bool {
        let Some(user) = self.arriving.get(&id).and_then(|photo| photo.user) else { return true };
        let of_user = self.arriving.values().filter(|photo| photo.user == Some(user));
        of_user.map(|photo| photo.bytes).sum::<u64>() + bytes <= USER_ROOM_BYTES
    }

    /// The photo that arrives slowest, of those that hold something and have had their time.
    fn slowest(&self, now: Instant) -> Option<u64> {
        let rate = |photo: &Arriving| {
            let taken = now.duration_since(photo.begun).max(Duration::from_millis(1));
            u128::from(photo.bytes) * 1000 / taken.as_millis()
        };
        let old = |photo: &Arriving| !photo.whole && now.duration_since(photo.begun) >= GRACE;
        let candidates = self.arriving.iter().filter(|(_, photo)| photo.bytes > 0 && old(photo));
        let candidates = candidates.filter(|(_, photo)| !photo.giving_way.is_cancelled());
        candidates.min_by_key(|(_, photo)| rate(photo)).map(|(id, _)| *id)
    }

    fn ask_to_give_way(&self, id: u64) {
        if let Some(photo) = self.arriving.get(&id) {
            photo.giving_way.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};
    use tokio_util::task::TaskTracker;
    use uuid::Uuid;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    impl Room {
        async fn grow(&self, bytes: u64) -> Result<(), NoRoom> {
            self.memory.grow(self.id, bytes).await
        }
    }

    /// Reads a body that trickles, for as long as it is let in.
    async fn trickle(room: Room) {
        let parts = unfold((), |()| async {
            sleep(Duration::from_secs(12)).await;
            Some((Ok::<_, NoRoom>(vec![0; 16 * 1024]), ()))
        });
        let mut body = room.admit(Body::from_stream(parts)).into_data_stream();
        while let Some(Ok(_)) = body.next().await {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_that_trickle_keep_nobody_out() {
        let memory = PhotoMemory::new(32 * MIB);
        let begin = || memory.begin(Some(UserId(Uuid::now_v7()))).unwrap();
        let tasks = TaskTracker::new();
        let trickles: Vec<_> = (0..1000).map(|_| tasks.spawn(trickle(begin()))).collect();
        sleep(Duration::from_secs(40)).await;
        let honest = memory.begin(None).unwrap();
        for _ in 0..160 {
            honest.grow(64 * 1024).await.unwrap();
            assert!(memory.lock().used_bytes <= 32 * MIB);
        }
        honest.complete();
        assert!(trickles.iter().any(tokio::task::JoinHandle::is_finished));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_quick_or_whole_gives_way_to_nobody() {
        let memory = PhotoMemory::new(2 * MIB);
        let whole = memory.begin(None).unwrap();
        whole.grow(MIB).await.unwrap();
        whole.complete();
        advance(GRACE).await;
        let quick = memory.begin(None).unwrap();
        quick.grow(MIB).await.unwrap();
        let late = memory.begin(None).unwrap();
        assert_eq!(late.grow(1).await, Err(NoRoom::Full));
        drop(whole);
        late.grow(1).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn forms_of_one_user_hold_no_more_than_four_photos_and_nobody_gives_way_to_them() {
        let memory = PhotoMemory::new(64 * MIB);
        let other = memory.begin(Some(UserId(Uuid::now_v7()))).unwrap();
        other.grow(1).await.unwrap();
        advance(GRACE).await;
        let user = Some(UserId(Uuid::now_v7()));
        let (large, small) = (memory.begin(user).unwrap(), memory.begin(user).unwrap());
        large.grow(USER_ROOM_BYTES).await.unwrap();
        assert_eq!(small.grow(1).await, Err(NoRoom::Full));
        other.grow(MIB).await.unwrap();
        assert!(!other.giving_way.is_cancelled());
        drop(large);
        small.grow(MIB).await.unwrap();
    }

    #[tokio::test]
    async fn a_user_sends_few_at_once() {
        let (memory, user) = (PhotoMemory::new(MIB), UserId(Uuid::now_v7()));
        let begin = || memory.begin(Some(user));
        let mut rooms: Vec<_> = (0..PER_USER).map(|_| begin().unwrap()).collect();
        assert_eq!(begin().unwrap_err().kind().code, "too_many_uploads");
        assert!(memory.begin(Some(UserId(Uuid::now_v7()))).is_ok());
        rooms.pop();
        assert!(begin().is_ok());
    }
}
