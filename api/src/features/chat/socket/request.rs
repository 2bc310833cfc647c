//! The events of clients, old and new, as requests.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

use crate::features::chat::model::Seq;
use crate::http::problem::ApiError;

/// Rooms of one sync.
pub(super) const MOST_ROOMS: usize = 2000;

/// A room by either of its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomName {
    /// The id.
    Id(Uuid),
    /// The public number.
    Number(u64),
}

impl RoomName {
    /// Reads a room's id or number, as JSON or as text.
    pub(super) fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_u64().map(Self::Number),
            Value::String(text) => Self::parse_text(text),
            _ => None,
        }
    }

    /// Reads a room's id or number.
    pub(super) fn parse_text(text: &str) -> Option<Self> {
        let number = text.parse().ok().map(Self::Number);
        number.or_else(|| Uuid::try_parse(text).ok().map(Self::Id))
    }
}

/// A request of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// Send a message.
    Chat(RoomName, Chat),
    /// Show a room: what comes counts as read.
    Join(RoomName),
    /// Show it no longer.
    Leave(RoomName),
    /// Mark as read, up to an entry or the newest.
    Read(RoomName, Option<Seq>),
    /// Received, up to an entry.
    Delivered(RoomName, Seq),
    /// Writing, or no longer.
    Typing(RoomName, bool),
    /// Ask who is there.
    Presence(RoomName),
    /// Say what is known of each room, and get what was missed.
    Sync(BTreeMap<Uuid, Seq>),
    /// Another access token.
    Renew(String),
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chat {
    pub(super) text: Option<String>,
    /// Keys of uploads, or addresses that end with them.
    pub(super) uploads: Vec<String>,
    pub(super) client_key: Option<String>,
}

/// The members of all events' contents. What is not known is left alone: above all `senderId` and `userId`, which are what
/// a client says about itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Raw {
    room: Option<Value>,
    room_id: Option<Value>,
    /// Old clients.
    content: Option<String>,
    text: Option<String>,
    /// Old clients: `TEXT` or `IMAGE`.
    #[serde(rename = "type")]
    kind: Option<String>,
    pictures: Option<Vec<String>>,
    client_key: Option<String>,
    seq: Option<Seq>,
    typing: Option<bool>,
    rooms: Option<BTreeMap<Uuid, Seq>>,
    token: Option<String>,
}

/// Reads an event.
pub(super) fn parse(event: &str, data: Value) -> Result<Request, ApiError> {
    let known = ["chat", "joinRoom", "leaveRoom", "read", "delivered", "typing", "presence"];
    if !known.contains(&event) && event != "sync" && event != "renew" {
        return Err(ApiError::Malformed(format!("there is no event {:?}", short(event))));
    }
    let raw: Raw = match data {
        Value::Null => Raw::default(),
        // Some clients send the contents as text.
        Value::String(text) => serde_json::from_str(&text).map_err(|e| malformed(&e))?,
        data => serde_json::from_value(data).map_err(|e| malformed(&e))?,
    };
    if event == "sync" {
        let rooms = raw.rooms.unwrap_or_default();
        if rooms.len() > MOST_ROOMS {
            let detail = format!("expected at most {MOST_ROOMS} rooms");
            return Err(ApiError::invalid("rooms", detail));
        }
        return Ok(Request::Sync(rooms));
    }
    if event == "renew" {
        let missing = || ApiError::invalid("token", "expected an access token");
        return Ok(Request::Renew(raw.token.ok_or_else(missing)?));
    }
    let named = raw.room.as_ref().or(raw.room_id.as_ref()).and_then(RoomName::parse);
    let room = named.ok_or_else(|| ApiError::invalid("room", "expected a room's id or number"))?;
    let seq = || raw.seq.ok_or_else(|| ApiError::invalid("seq", "expected an entry's number"));
    Ok(match event {
        "chat" => Request::Chat(room, chat(raw)),
        "joinRoom" => Request::Join(room),
        "leaveRoom" => Request::Leave(room),
        "read" => Request::Read(room, raw.seq),
        "delivered" => Request::Delivered(room, seq()?),
        "typing" => Request::Typing(room, raw.typing.unwrap_or(true)),
        _ => Request::Presence(room),
    })
}

fn chat(raw: Raw) -> Chat {
    let client_key = raw.client_key;
    if raw.kind.as_deref() == Some("IMAGE") {
        let content = raw.content.unwrap_or_default();
        let uploads = content.split(',').map(str::trim).filter(|key| !key.is_empty());
        let uploads = uploads.map(str::to_owned).collect();
        return Chat { text: None, uploads, client_key };
    }
    let text = raw.text.or(raw.content);
    Chat { text, uploads: raw.pictures.unwrap_or_default(), client_key }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::Malformed(format!("cannot read the event: {error}"))
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn old_and_new_clients_send_the_same_message() {
        let chat = Chat { text: Some("안녕".to_owned()), uploads: vec![], client_key: None };
        for data in [
            json!({ "roomId": "3", "content": "안녕", "senderId": 7, "type": "TEXT" }),
            json!({ "roomId": 3, "text": "안녕" }),
            json!(r#"{"roomId":"3","content":"안녕","senderId":7,"type":"TEXT"}"#),
        ] {
            let parsed = parse("chat", data).unwrap();
            assert_eq!(parsed, Request::Chat(RoomName::Number(3), chat.clone()));
        }
        let room = Uuid::now_v7();
        let Request::Chat(name, pictures) =
            parse("chat", json!({ "room": room, "content": "a.jpg, b.jpg", "type": "IMAGE" }))
                .unwrap()
        else {
            panic!("a message");
        };
        assert_eq!((name, pictures.uploads.len()), (RoomName::Id(room), 2));
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_never_guessed() {
        for (event, data) in [
            ("chat", json!(null)),
            ("chat", json!([])),
            ("chat", json!({ "room": {}, "text": "a" })),
            ("chat", json!({ "room": "x", "text": "a" })),
            ("chat", json!({ "room": 1, "text": 5 })),
            ("delivered", json!({ "room": 1 })),
            ("read", json!({ "room": 1, "seq": -1 })),
            ("sync", json!({ "rooms": { "1": 2 } })),
            ("renew", json!({})),
            ("disconnecting", json!({})),
            ("", json!({})),
        ] {
            assert!(parse(event, data.clone()).is_err(), "{event} {data}");
        }
        assert_eq!(parse("sync", json!(null)).unwrap(), Request::Sync(BTreeMap::new()));
        assert_eq!(
            parse("joinRoom", json!({ "room": "3" })).unwrap(),
            Request::Join(RoomName::Number(3))
        );
    }
}
