-- The log that every push reads: an event's name, and the id of its subject. `seq` is dense per user (see
-- event_sequences): replay is a range read of the primary key.
CREATE TABLE events (
    user_id    BINARY(16)      NOT NULL,
    seq        BIGINT UNSIGNED NOT NULL,
    name       VARCHAR(40)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject_id BINARY(16)      NOT NULL,
    created_at DATETIME(3)     NOT NULL,
    PRIMARY KEY (user_id, seq),
    KEY events_subject (subject_id, seq),
    -- Finds the events that are older than their retention.
    KEY events_age (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
