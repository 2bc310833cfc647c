-- Opens one event stream, once, for clients that cannot send a token (EventSource). Only the SHA-256 is kept.
CREATE TABLE stream_tickets (
    ticket_hash BINARY(32)  NOT NULL,
    user_id     BINARY(16)  NOT NULL,
    expires_at  DATETIME(3) NOT NULL,
    PRIMARY KEY (ticket_hash),
    KEY stream_tickets_expiry (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
