-- Makes a repeated submit find the first one. `fingerprint` is the SHA-256 of the request.
CREATE TABLE idempotency_keys (
    user_id     BINARY(16)   NOT NULL,
    kind        VARCHAR(30)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    idem_key    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    fingerprint BINARY(32)   NOT NULL,
    job_id      BINARY(16)   NOT NULL,
    created_at  DATETIME(3)  NOT NULL,
    PRIMARY KEY (user_id, kind, idem_key),
    KEY idempotency_keys_age (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
