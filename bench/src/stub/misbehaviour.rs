//! Wrong responses of an analyzer.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::time::sleep;

use super::Health;

/// A correct response, to be corrupted.
const ANSWER: &str = r#"{"userId":0,"personalColor":"WINTER"}"#;
/// Delay between the bytes of a trickling response: the whole takes longer than any client's timeout.
const TRICKLE: Duration = Duration::from_millis(500);

/// Response of an analyzer in this state; `None` if it works correctly.
pub(super) fn answer(health: Health) -> Option<Response> {
    let json = [(header::CONTENT_TYPE, "application/json")];
    Some(match health {
        Health::Up | Health::Hanging | Health::Down => return None,
        Health::Failing => {
            let detail = r#"{"detail":"Internal Server Error"}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, json, detail).into_response()
        }
        // Without the headers of its gate, as a proxy before it would answer.
        Health::Refusing => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Health::Garbage => (json, "{\"personalColor\": \u{fffd}\u{0}").into_response(),
        Health::WrongType => {
            let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (html, "<!doctype html><title>Welcome</title><p>Please log in.").into_response()
        }
        Health::Truncated => truncated(),
        Health::Trickling => trickling(),
    })
}

/// Announces the complete response, sends half and breaks the connection.
fn truncated() -> Response {
    let half = Ok(Bytes::from(&ANSWER[..ANSWER.len() / 2]));
    let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
    with_length(Body::from_stream(stream::iter([half, broken])))
}

/// Sends the response byte by byte.
fn trickling() -> Response {
    let bytes = stream::iter(ANSWER.bytes()).then(async |byte| {
        sleep(TRICKLE).await;
        Ok::<_, Infallible>(Bytes::from(vec![byte]))
    });
    with_length(Body::from_stream(bytes))
}

fn with_length(body: Body) -> Response {
    let length = ANSWER.len().to_string();
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_LENGTH, length.as_str())];
    (headers, body).into_response()
}
