-- Messages that members have reported to the operators, with the text as it was then.
CREATE TABLE message_reports (
    room_id     BINARY(16)      NOT NULL,
    seq         BIGINT UNSIGNED NOT NULL,
    user_id     BINARY(16)      NOT NULL,
    subject_id  BINARY(16)      NOT NULL,
    reason      VARCHAR(20)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    description VARCHAR(500)    NULL,
    body        VARCHAR(4000)   NULL,
    created_at  DATETIME(3)     NOT NULL,
    PRIMARY KEY (user_id, room_id, seq),
    KEY message_reports_subject (subject_id),
    KEY message_reports_created (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
