-- What users report to operators; one report of a thing by one user. `state` is `open` or `closed`; then `outcome` is `removed` or
-- `dismissed`, and `handled_by` the operator.
CREATE TABLE reports (
    number      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    id          BINARY(16)      NOT NULL,
    user_id     BINARY(16)      NOT NULL,
    kind        VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    target_id   BINARY(16)      NOT NULL,
    reason      VARCHAR(20)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    description VARCHAR(1000)   NOT NULL DEFAULT '',
    state       VARCHAR(6)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at  DATETIME(3)     NOT NULL,
    outcome     VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NULL,
    handled_by  VARCHAR(100)    NULL,
    handled_at  DATETIME(3)     NULL,
    PRIMARY KEY (number),
    UNIQUE KEY reports_id (id),
    UNIQUE KEY reports_once (user_id, kind, target_id),
    KEY reports_queue (state, number),
    KEY reports_target (kind, target_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
