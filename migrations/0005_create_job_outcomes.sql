-- How a job ended. The primary key is the last guard against storing a result twice.
CREATE TABLE job_outcomes (
    job_id          BINARY(16)   NOT NULL,
    result          JSON         NULL,
    error_code      VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NULL,
    error_message   VARCHAR(500) NULL,
    error_retryable BOOLEAN      NULL,
    PRIMARY KEY (job_id),
    -- Operators search for the jobs that failed with a code, newest first.
    KEY job_outcomes_code (error_code, job_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
