//! One client's session: its events are handled one after another, in the order in which they came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use socketioxide::extract::SocketRef;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use toneup_platform::database::bounded;

use super::admit::{Handshake, by_token};
use super::answer::{Reply, trouble};
use super::budget::{Budget, Grant};
use super::doors::Doors;
use super::mailbox::{self, Mailbox};
use super::request::{Chat, Request, RoomName, parse};
use crate::features::chat::content::Draft;
use crate::features::chat::hints::{Hint, Mark};
use crate::features::chat::hub::{Connection, Cut, Followed, Identity};
use crate::features::chat::model::RoomId;
use crate::features::chat::refusal::Refusal;
use crate::features::chat::store::find::find_by_number;
use crate::features::chat::store::read::{Membership, find_membership};
use crate::http::problem::ApiError;

/// Events of one client that wait for those before them.
pub(super) const MOST_WAITING: usize = 100;

/// An event that waits.
pub(super) struct Asked {
    pub(super) event: String,
    pub(super) data: Value,
    pub(super) reply: Reply,
}

#[derive(Default)]
struct Inbox {
    waiting: VecDeque<Asked>,
    is_handling: bool,
}

/// A client's session.
pub(super) struct Session {
    pub(super) doors: Doors,
    pub(super) connection: Arc<Connection>,
    begun: Instant,
    budget: Mutex<Budget>,
    inbox: Mutex<Inbox>,
    tasks: TaskTracker,
}

impl Session {
    /// Takes a connection in that was admitted.
    pub(super) async fn open(
        doors: Doors,
        socket: SocketRef,
        identity: Identity,
        tasks: TaskTracker,
    ) {
        let handshake = Handshake::of(socket.req_parts());
        // Left there, it would hold the socket that holds it.
        let mailbox = socket.extensions.remove::<Mailbox>();
        let connection = Connection::new(socket.clone(), identity, tasks.clone());
        if !doors.chat.hub.enter(&connection) {
            connection.emit("error", &trouble(&Refusal::TooManySockets.into()));
            mailbox::close(&socket);
            drop(socket.disconnect());
            return;
        }
        let session = Arc::new(Self {
            doors,
            connection,
            begun: Instant::now(),
            budget: Mutex::new(Budget::new(0.0)),
            inbox: Mutex::default(),
            tasks,
        });
        let gone = Arc::clone(&session);
        socket.on_disconnect(async move |socket: SocketRef| gone.close(&socket));
        if let Some(mailbox) = mailbox {
            mailbox.open(&session);
        }
        if !socket.connected() {
            // It has gone before there was anybody to notice.
            session.close(&socket);
            return;
        }
        if let Some(room) = handshake.room() {
            session.begin(room, handshake.last_seq).await;
        }
    }

    /// Forgets the connection.
    fn close(&self, socket: &SocketRef) {
        mailbox::close(socket);
        self.doors.chat.hub.leave(&self.connection);
    }

    /// Shows the room that the connection was opened for.
    async fn begin(&self, room: Result<RoomName, Refusal>, last_seq: Option<u64>) {
        let beginning = async {
            let room = self.resolve(room?).await?;
            self.show(room, last_seq).await.map(drop)
        };
        if let Err(error) = beginning.await {
            self.connection.emit("error", &trouble(&error));
        }
    }

    /// Takes an event, to be handled after those before it.
    pub(super) fn push(self: &Arc<Self>, asked: Asked) {
        let now = self.begun.elapsed().as_secs_f64();
        let grant = self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(now);
        let mut inbox = self.lock();
        match grant {
            Grant::Granted if inbox.waiting.len() < MOST_WAITING => {}
            Grant::Cut => {
                inbox.waiting.clear();
                drop(inbox);
                self.connection.cut(Cut::TooManyRequests);
                return;
            }
            Grant::Granted | Grant::Refused => {
                drop(inbox);
                let retry_after = std::time::Duration::from_secs(1);
                asked.reply.failed(&self.connection, &ApiError::RateLimited { retry_after });
                return;
            }
        }
        inbox.waiting.push_back(asked);
        if !inbox.is_handling {
            inbox.is_handling = true;
            self.tasks.spawn(Arc::clone(self).handle_all());
        }
    }

    async fn handle_all(self: Arc<Self>) {
        loop {
            let asked = {
                let mut inbox = self.lock();
                let Some(asked) = inbox.waiting.pop_front() else {
                    inbox.is_handling = false;
                    return;
                };
                asked
            };
            let Asked { event, data, reply } = asked;
            match parse(&event, data) {
                // Nobody waits for the answer. What was written is kept all the same.
                Ok(request)
                    if self.connection.is_over() && !matches!(request, Request::Chat(..)) => {}
                Ok(Request::Sync(known)) => self.sync(known, reply).await,
                Ok(request) => match Box::pin(self.handle(request)).await {
                    Ok(answer) => reply.done(&answer),
                    Err(error) => reply.failed(&self.connection, &error),
                },
                Err(error) => reply.failed(&self.connection, &error),
            }
        }
    }

    async fn handle(&self, request: Request) -> Result<Value, ApiError> {
        let hub = &self.doors.chat.hub;
        let who = self.connection.person;
        match request {
            Request::Chat(room, chat) => self.send(room, chat).await,
            Request::Join(room) => {
                let room = self.resolve(room).await?;
                let place = self.show(room, None).await?;
                Ok(json!({ "room": room, "lastSeq": place.last_seq }))
            }
            Request::Leave(room) => {
                let room = self.resolve(room).await?;
                hub.stop_following(&self.connection, room);
                Ok(json!({ "room": room }))
            }
            Request::Read(room, seq) => {
                let room = self.resolve(room).await?;
                let place = self.doors.chat.read(who, room, seq.unwrap_or(u64::MAX)).await?;
                Ok(json!({ "room": room, "readSeq": place.read_seq, "unread": place.unread() }))
            }
            Request::Delivered(room, seq) => {
                let room = self.followed(room).await?;
                hub.tell_if_small(room, Hint::Delivered(Mark { room, who, seq }));
                Ok(json!({}))
            }
            Request::Typing(room, typing) => {
                let room = self.followed(room).await?;
                hub.tell_if_small(room, Hint::Typing { room, who, typing });
                Ok(json!({}))
            }
            Request::Presence(room) => {
                let room = self.followed(room).await?;
                Ok(json!({ "room": room, "online": hub.online(room).await }))
            }
            Request::Renew(token) => self.renew(&token),
            Request::Sync(_) => Err(ApiError::Malformed("answered elsewhere".to_owned())),
        }
    }

    async fn send(&self, room: RoomName, chat: Chat) -> Result<Value, ApiError> {
        let user = self.connection.person.id;
        let uploads = chat.uploads.into_iter().map(|upload| {
            // Old clients send the address that they were given for the key.
            let key = toneup_colour::photo::key_in(user, &upload).map(str::to_owned);
            key.unwrap_or(upload)
        });
        let draft = Draft::check(chat.text, uploads.collect(), chat.client_key)?;
        let client_key = draft.client_key.clone();
        let room = self.resolve(room).await?;
        let stored = self.doors.chat.send(user, room, draft).await?;
        Ok(json!({
            "id": stored.id,
            "room": room,
            "seq": stored.seq,
            "messageId": stored.seq,
            "clientKey": client_key,
            "sentAt": stored.sent_at.format(&Rfc3339).unwrap_or_default(),
        }))
    }

    /// Shows a room: the connection is sent what comes, from an entry on or from now on, and so has read it.
    async fn show(&self, room: RoomId, last_seq: Option<u64>) -> Result<Membership, ApiError> {
        let place = self.membership(room).await?;
        let from = match last_seq {
            Some(seq) => seq.clamp(place.joined_seq, place.last_seq),
            // What has come since is in the history too, and not sent again.
            None => self.send_history(room).await?.max(place.last_seq),
        };
        let followed = self.doors.chat.hub.follow(&self.connection, room, from, true).await?;
        if followed == Followed::NotAMember {
            return Err(Refusal::NotFound.into());
        }
        Ok(place)
    }

    fn renew(&self, token: &str) -> Result<Value, ApiError> {
        let (user, _, expires_at) = by_token(&self.doors, token)?;
        if user != self.connection.person.id {
            return Err(ApiError::Unauthenticated("the token is another user's"));
        }
        self.connection.renew(expires_at);
        Ok(json!({ "expiresAt": expires_at.format(&Rfc3339).unwrap_or_default() }))
    }

    /// The room of a name, for whoever is in it.
    async fn resolve(&self, name: RoomName) -> Result<RoomId, ApiError> {
        match name {
            RoomName::Id(id) => Ok(RoomId(id)),
            RoomName::Number(number) => {
                let finding = bounded(async {
                    let mut lent = self.doors.chat.pool.acquire().await?;
                    find_by_number(&mut lent, self.connection.person.id, number).await
                });
                Ok(finding.await?.ok_or(Refusal::NotFound)?)
            }
        }
    }

    /// The room of a name, which this connection follows.
    async fn followed(&self, name: RoomName) -> Result<RoomId, ApiError> {
        let room = self.resolve(name).await?;
        let follows = self.connection.rooms().contains(&room);
        if follows { Ok(room) } else { Err(Refusal::NotFound.into()) }
    }

    async fn membership(&self, room: RoomId) -> Result<Membership, ApiError> {
        let finding = bounded(async {
            let mut lent = self.doors.chat.pool.acquire().await?;
            find_membership(&mut lent, room, self.connection.person.id).await
        });
        Ok(finding.await?.ok_or(Refusal::NotFound)?)
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time as clients are told it.
pub(super) fn written(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}
