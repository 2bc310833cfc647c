-- The transitions of a job besides its beginning and its end: failed attempts, lost workers, hand-backs, replays. A job
-- that goes well has no rows here.
CREATE TABLE job_transitions (
    id         BIGINT UNSIGNED   NOT NULL AUTO_INCREMENT,
    job_id     BINARY(16)        NOT NULL,
    attempt    SMALLINT UNSIGNED NOT NULL,
    transition VARCHAR(20)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    code       VARCHAR(64)       CHARACTER SET ascii COLLATE ascii_bin NULL,
    message    VARCHAR(500)      NULL,
    created_at DATETIME(3)       NOT NULL,
    PRIMARY KEY (id),
    KEY job_transitions_job (job_id, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
