//! The reasons for which conversations refuse something.

use axum::http::StatusCode;

use crate::http::problem::{ApiError, ProblemKind};

/// A reason to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such room, message or person for this user.
    NotFound,
    /// The client key stands for another message.
    ClientKeyReused,
    /// The other user of a direct room is gone, or one blocks the other.
    RoomClosed,
    /// The group has as many members as it may have.
    RoomFull,
    /// Groups alone have this.
    NotAGroup,
    /// The group's owner alone may do this.
    OwnerOnly,
    /// Another user's message.
    MessageNotYours,
    /// The message was deleted.
    MessageDeleted,
    /// A picture of the message cannot be made.
    PictureRefused,
    /// A picture of the message is not made yet.
    PicturePending,
    /// The user holds as many connections as one may.
    TooManySockets,
}

const CLIENT_KEY_REUSED: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "client_key_reused", "Client key reused");
const ROOM_CLOSED: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "room_closed", "Room closed");
const ROOM_FULL: ProblemKind = ProblemKind::new(StatusCode::CONFLICT, "room_full", "Room full");
const NOT_A_GROUP: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "not_a_group", "Not a group");
const OWNER_ONLY: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "room_owner_only", "Room's owner only");
const MESSAGE_NOT_YOURS: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "message_not_yours", "Message not yours");
const MESSAGE_DELETED: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "message_deleted", "Message deleted");
const PICTURE_REFUSED: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "picture_refused", "Picture refused");
const PICTURE_PENDING: ProblemKind =
    ProblemKind::new(StatusCode::SERVICE_UNAVAILABLE, "picture_pending", "Picture pending");
const TOO_MANY_SOCKETS: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_many_sockets", "Too many sockets");

/// Every kind of problem that conversations raise.
pub const PROBLEMS: &[ProblemKind] = &[
    CLIENT_KEY_REUSED,
    ROOM_CLOSED,
    ROOM_FULL,
    NOT_A_GROUP,
    OWNER_ONLY,
    MESSAGE_NOT_YOURS,
    MESSAGE_DELETED,
    PICTURE_REFUSED,
    PICTURE_PENDING,
    TOO_MANY_SOCKETS,
];

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (kind, detail) = match refusal {
            Refusal::NotFound => return Self::NotFound,
            Refusal::ClientKeyReused => {
                (CLIENT_KEY_REUSED, "another message was sent with this client key")
            }
            Refusal::RoomClosed => (ROOM_CLOSED, "this room takes no messages any more"),
            Refusal::RoomFull => (ROOM_FULL, "a group has at most 1500 members"),
            Refusal::NotAGroup => (NOT_A_GROUP, "a direct room has no name, picture or guests"),
            Refusal::OwnerOnly => (OWNER_ONLY, "the owner of the group alone may do this"),
            Refusal::MessageNotYours => {
                (MESSAGE_NOT_YOURS, "you may change messages of your own alone")
            }
            Refusal::MessageDeleted => (MESSAGE_DELETED, "the message was deleted"),
            Refusal::PictureRefused => {
                (PICTURE_REFUSED, "an upload is missing, or is no JPEG, PNG or WebP")
            }
            Refusal::PicturePending => {
                (PICTURE_PENDING, "a picture is not ready yet; send the same message again")
            }
            Refusal::TooManySockets => {
                (TOO_MANY_SOCKETS, "you hold as many connections as one may; close another")
            }
        };
        kind.raise(detail).into()
    }
}
