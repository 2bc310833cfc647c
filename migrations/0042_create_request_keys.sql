-- Makes a repeated request find what the first one created (`result_id`). `scope` says which call it was; `fingerprint` is the
-- SHA-256 of the request.
CREATE TABLE request_keys (
    user_id     BINARY(16)   NOT NULL,
    scope       VARCHAR(30)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    request_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    fingerprint BINARY(32)   NOT NULL,
    result_id   BINARY(16)   NOT NULL,
    created_at  DATETIME(3)  NOT NULL,
    PRIMARY KEY (user_id, scope, request_key),
    KEY request_keys_age (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
