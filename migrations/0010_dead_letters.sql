-- What needs an operator: analyses that failed for a reason that is not their photo's (`source` = 'job'), and messages
-- that the broker gave up on (`source` = 'broker'; `analysis_id` is NULL where the message could not be read).
CREATE TABLE dead_letters (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    source      VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    analysis_id BINARY(16)      NULL,
    reason      VARCHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    message     VARCHAR(500)    NOT NULL,
    created_at  DATETIME(3)     NOT NULL,
    PRIMARY KEY (id),
    KEY dead_letters_analysis (analysis_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
