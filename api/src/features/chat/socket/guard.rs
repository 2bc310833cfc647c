//! The check of handshakes before there is a connection.

use axum::extract::{OriginalUri, Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::admit::by_request;
use super::doors::Doors;

/// Middleware: finds out who opens a connection, if the request says so. Clients of version 4 of the protocol have no other
/// way to say it: without an identity they get no connection. The others may still say it when they join.
pub(super) async fn check(
    State(doors): State<Doors>,
    mut request: Request,
    next: Next,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let has = |wanted: &str| query.split('&').any(|pair| pair == wanted);
    let (is_old, is_open) = (has("EIO=3"), query.split('&').any(|pair| pair.starts_with("sid=")));
    if !is_open {
        let (mut parts, body) = request.into_parts();
        copy_head(&mut parts);
        let identified = by_request(&doors, &parts).await;
        request = Request::from_parts(parts, body);
        match identified {
            Ok(identity) => {
                request.extensions_mut().insert(identity);
            }
            Err(error) if is_old => return error.into_response(),
            Err(_) => {}
        }
    }
    next.run(request).await
}

/// Copies what a head holds. A session keeps its head, whose parts are slices of what the server read: they would keep the
/// whole buffer, 8 KiB for some hundred bytes.
fn copy_head(parts: &mut Parts) {
    for value in parts.headers.values_mut() {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
    }
    if let Ok(copy) = parts.uri.to_string().parse() {
        parts.uri = copy;
    }
    if let Some(original) = parts.extensions.get_mut::<OriginalUri>() {
        original.0 = parts.uri.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_the_same_after_it_was_copied() {
        let request = Request::get("/socket.io/?EIO=4&transport=websocket&room=%ED%95%9C")
            .header("host", "toneup.example")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("x-bytes", HeaderValue::from_bytes(b"\xed\x95\x9c").unwrap())
            .body(())
            .unwrap();
        let (mut parts, ()) = request.into_parts();
        parts.extensions.insert(OriginalUri(parts.uri.clone()));
        let before = parts.clone();
        copy_head(&mut parts);
        assert_eq!((&parts.headers, &parts.uri), (&before.headers, &before.uri));
        assert_eq!(parts.extensions.get::<OriginalUri>().unwrap().0, before.uri);
    }
}
