-- A person, signed in or not. `event_seq` numbers the person's events without gaps: it is taken under this row's lock,
-- in the transaction that writes the event, so that a reader never sees a later event before an earlier one.
CREATE TABLE users (
    id         BINARY(16)      NOT NULL,
    kind       VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    event_seq  BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_at DATETIME(3)     NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
