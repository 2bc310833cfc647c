-- What users report to operators; one report of a thing by one user. `state` is `open` or `closed`; then `outcome` is `removed` or
-- `dismissed`, and `handled_by` the operator. Of a message, which few may read and which may be deleted: its place in its room's
-- log, who wrote it, and what it said when it was reported.
CREATE TABLE reports (
    number      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    id          BINARY(16)      NOT NULL,
    user_id     BINARY(16)      NOT NULL,
    kind        VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    target_id   BINARY(16)      NOT NULL,
    reason      VARCHAR(20)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    description VARCHAR(1000)   NOT NULL DEFAULT '',
    room_id     BINARY(16)      NULL,
    seq         BIGINT UNSIGNED NULL,
    author_id   BINARY(16)      NULL,
    quote       VARCHAR(4000)   NULL,
    state       VARCHAR(6)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at  DATETIME(3)     NOT NULL,
    outcome     VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NULL,
    handled_by  VARCHAR(100)    NULL,
    handled_at  DATETIME(3)     NULL,
    PRIMARY KEY (number),
    UNIQUE KEY reports_id (id),
    UNIQUE KEY reports_once (user_id, kind, target_id),
    KEY reports_queue (state, number),
    KEY reports_target (kind, target_id),
    KEY reports_author (author_id),
    -- Finds the reports that are older than their retention.
    KEY reports_age (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
