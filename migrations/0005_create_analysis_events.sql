-- The log that every push reads. `seq` is dense per user (see users.event_seq): replay is a range read of the primary key.
CREATE TABLE analysis_events (
    user_id     BINARY(16)      NOT NULL,
    seq         BIGINT UNSIGNED NOT NULL,
    analysis_id BINARY(16)      NOT NULL,
    status      VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at  DATETIME(3)     NOT NULL,
    PRIMARY KEY (user_id, seq),
    KEY analysis_events_analysis (analysis_id, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
