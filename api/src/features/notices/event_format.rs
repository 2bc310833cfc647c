//! The contents of notices in webhooks, notifications and on the event stream: how things stand when they are sent.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::MySqlConnection;
use toneup_notify::claim::Delivery;
use toneup_notify::notices::list::{Notice, find_unread};
use toneup_notify::notices::{NoticeId, NoticeKind};
use uuid::Uuid;

use super::view::NoticeView;
use super::words::{Telling, words};
use crate::features::notifications::{EventContent, EventFormat, Notification};
use crate::features::pictures::PictureUrls;
use crate::http::language::Language;

/// The reason why an event is not sent.
const GONE: &str = "the notice was read, or is gone";

/// The events of one prefix.
#[derive(Debug)]
struct NoticeEvents {
    names: &'static [&'static str],
    urls: PictureUrls,
}

/// The formats of the events of notices, with the prefixes of their names.
pub(crate) fn formats(urls: &PictureUrls) -> Vec<(&'static str, Box<dyn EventFormat>)> {
    const NAMES: [(&str, &[&str]); 4] = [
        ("post.", &["post.liked", "post.commented", "post.mentioned"]),
        ("comment.", &["comment.liked", "comment.replied", "comment.mentioned"]),
        ("person.", &["person.followed"]),
        ("chat.", &["chat.message"]),
    ];
    let format = |(prefix, names)| -> (&'static str, Box<dyn EventFormat>) {
        (prefix, Box::new(NoticeEvents { names, urls: urls.clone() }))
    };
    NAMES.into_iter().map(format).collect()
}

/// The part of a notice that its words need.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    subject_id: Uuid,
    actor: Actor,
    others: u64,
    times: u64,
}

#[derive(Deserialize)]
struct Actor {
    nickname: String,
}

impl EventFormat for NoticeEvents {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn stream_name(&self) -> Option<&'static str> {
        Some("notice")
    }

    fn load<'a>(
        &'a self,
        conn: &'a mut MySqlConnection,
        subjects: Vec<Uuid>,
    ) -> BoxFuture<'a, Result<HashMap<Uuid, EventContent>, sqlx::Error>> {
        async move {
            let found = find_unread(conn, subjects.into_iter().map(NoticeId)).await?;
            let content = |notice: Notice| {
                let id = notice.id.0;
                let payload = serde_json::to_value(NoticeView::new(notice, &self.urls)).ok()?;
                Some((id, EventContent { payload, trace: None }))
            };
            Ok(found.into_iter().filter_map(content).collect())
        }
        .boxed()
    }

    fn webhook_data(&self, delivery: &Delivery) -> Result<Value, &'static str> {
        delivery.payload.clone().ok_or(GONE)
    }

    fn notification(
        &self,
        delivery: &Delivery,
        language: Language,
    ) -> Result<Notification, &'static str> {
        let payload = delivery.payload.clone().ok_or(GONE)?;
        let content: Content = serde_json::from_value(payload).map_err(|_| GONE)?;
        let kind = NoticeKind::named(&content.kind).ok_or(GONE)?;
        let telling = Telling {
            kind,
            actor: &content.actor.nickname,
            others: content.others,
            times: content.times,
        };
        let mut members = Map::new();
        members.insert("noticeId".to_owned(), content.id.to_string().into());
        members.insert("subjectId".to_owned(), content.subject_id.to_string().into());
        members.insert("actor".to_owned(), content.actor.nickname.as_str().into());
        // Data of FCM are strings.
        members.insert("others".to_owned(), content.others.to_string().into());
        members.insert("times".to_owned(), content.times.to_string().into());
        Ok(Notification { members, words: words(telling, language), replaces: Some(content.id) })
    }
}
