-- The attempts at a delivery, and their answers.
CREATE TABLE push_attempts (
    delivery_id BINARY(16)        NOT NULL,
    attempt     SMALLINT UNSIGNED NOT NULL,
    status      SMALLINT UNSIGNED NULL,
    error       VARCHAR(200)      NULL,
    duration_ms INT UNSIGNED      NOT NULL,
    created_at  DATETIME(3)       NOT NULL,
    PRIMARY KEY (delivery_id, attempt)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
