//! The export: one JSON document of all lists, written while it is read. No connection is held while the client reads.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toneup_platform::database::{Database, bounded};
use toneup_platform::identity::UserId;

use crate::http::export::{Export, ExportPage};

/// The place in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Begin,
    /// A page of the list with this index; `None`: its first.
    List(usize, Option<String>),
    Over,
}

/// The parts of the document, in order. An error ends it early, so that the client sees that it is not whole.
pub(super) fn document(
    database: Database,
    exports: Arc<[Export]>,
    user: UserId,
) -> impl Stream<Item = Result<Bytes, sqlx::Error>> + Send + 'static {
    stream::try_unfold(Place::Begin, move |place| {
        let (database, exports) = (database.clone(), Arc::clone(&exports));
        async move {
            match place {
                Place::Begin => Ok(Some((begin(user), Place::List(0, None)))),
                Place::Over => Ok(None),
                Place::List(index, from) => {
                    let Some(export) = exports.get(index) else {
                        return Ok(Some((Bytes::from_static(b"}\n"), Place::Over)));
                    };
                    let first = from.is_none();
                    let page = bounded(async {
                        export.read(&mut *database.acquire().await?, user, from).await
                    });
                    let page = page.await?;
                    let next = match page.next.clone() {
                        Some(next) => Place::List(index, Some(next)),
                        None => Place::List(index + 1, None),
                    };
                    Ok(Some((write(export.name(), first, &page), next)))
                }
            }
        }
    })
}

fn begin(user: UserId) -> Bytes {
    let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    format!("{{\n\"userId\":\"{}\",\n\"exportedAt\":\"{now}\"", user.0).into()
}

/// Writes a page; the list is opened before its first and closed after its last.
fn write(name: &str, first: bool, page: &ExportPage) -> Bytes {
    let mut text = String::new();
    if first {
        text.push_str(&format!(",\n\"{name}\":["));
    }
    for (index, item) in page.items.iter().enumerate() {
        let separator = if first && index == 0 { "\n" } else { ",\n" };
        text.push_str(separator);
        text.push_str(&Value::to_string(item));
    }
    if page.next.is_none() {
        text.push(']');
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_make_one_list() {
        let page = |items: Vec<Value>, next: Option<&str>| ExportPage {
            items,
            next: next.map(str::to_owned),
        };
        let user = UserId(uuid::Uuid::nil());
        let parts = [
            begin(user),
            write("one", true, &page(vec![json!(1), json!({"a": "]"})], Some("2"))),
            write("one", false, &page(vec![json!(3)], None)),
            write("none", true, &page(vec![], None)),
            Bytes::from_static(b"}\n"),
        ];
        let read: Value = serde_json::from_slice(&parts.concat()).unwrap();
        assert_eq!((&read["one"], &read["none"]), (&json!([1, {"a": "]"}, 3]), &json!([])));
        assert_eq!(read["userId"], user.0.to_string());
    }
}
