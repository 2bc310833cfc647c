//! Tokens that expire and sessions that are ended while their clients are connected.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::doors::Doors;
use super::session::written;
use crate::features::chat::hub::Cut;

/// Time between two looks at all connections.
const LOOK: Duration = Duration::from_secs(1);
/// Time before the expiry of its token at which a client is asked for another.
const NOTICE: i64 = 60;

/// State of a connection's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Good,
    /// Another one is needed soon.
    Ending,
    Expired,
}

fn token_state(expires_at: i64, now: i64) -> Token {
    match expires_at - now {
        left if left <= 0 => Token::Expired,
        left if left <= NOTICE => Token::Ending,
        _ => Token::Good,
    }
}

/// Looks at all connections every second, until `draining`.
pub(super) async fn run(doors: Doors, draining: CancellationToken) {
    while draining.run_until_cancelled(sleep(LOOK)).await.is_some() {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        for connection in doors.chat.hub.connections() {
            let is_ended =
                connection.session.is_some_and(|session| doors.authenticator.is_revoked(session));
            if is_ended {
                connection.cut(Cut::SessionEnded);
                continue;
            }
            match token_state(connection.expires_at(), now) {
                Token::Good => {}
                Token::Expired => connection.cut(Cut::TokenExpired),
                Token::Ending => {
                    if connection.warn_once() {
                        let at = OffsetDateTime::from_unix_timestamp(connection.expires_at());
                        let at = at.map(written).unwrap_or_default();
                        connection.emit("renew", &json!({ "expiresAt": at }));
                    }
                }
            }
        }
        doors.chat.hub.refresh_presence().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_asked_a_minute_before_and_cut_off_at_the_expiry() {
        assert_eq!(token_state(1000, 900), Token::Good);
        assert_eq!(token_state(1000, 940), Token::Ending);
        assert_eq!(token_state(1000, 999), Token::Ending);
        assert_eq!(token_state(1000, 1000), Token::Expired);
    }
}
