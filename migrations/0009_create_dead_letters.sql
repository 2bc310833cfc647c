-- What needs an operator: jobs that failed for a reason that is not their request's (`source` = 'job'), and messages that
-- the broker gave up on (`source` = 'broker'; `kind` and `job_id` are NULL where the message could not be read).
CREATE TABLE dead_letters (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    source     VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind       VARCHAR(30)     CHARACTER SET ascii COLLATE ascii_bin NULL,
    job_id     BINARY(16)      NULL,
    reason     VARCHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    message    VARCHAR(500)    NOT NULL,
    created_at DATETIME(3)     NOT NULL,
    PRIMARY KEY (id),
    KEY dead_letters_job (job_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
