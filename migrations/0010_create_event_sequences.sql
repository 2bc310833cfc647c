-- Numbers a user's events without gaps: the number is taken under this row's lock, in the transaction that writes the
-- event, so that a reader never sees a later event before an earlier one. A user without a row has had no event.
CREATE TABLE event_sequences (
    user_id BINARY(16)      NOT NULL,
    last    BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
