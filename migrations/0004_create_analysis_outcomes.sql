-- What an analysis came to. The primary key is the last guard against storing a result twice.
CREATE TABLE analysis_outcomes (
    analysis_id     BINARY(16)   NOT NULL,
    result          JSON         NULL,
    error_code      VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NULL,
    error_message   VARCHAR(500) NULL,
    error_retryable BOOLEAN      NULL,
    PRIMARY KEY (analysis_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
