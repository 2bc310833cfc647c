//! The check of handshakes before there is a connection.

use axum::extract::{Request, State};
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
        let (parts, body) = request.into_parts();
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
