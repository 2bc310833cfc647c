-- Pictures that others may see: profiles' now. A job reads the upload at `source_key`, checks it and stores it anew in
-- three sizes under the picture's id; `state` is `pending`, `ready` or `refused` (then `error_code` says why). `thumb_hash`
-- is a preview in a few bytes.
CREATE TABLE pictures (
    id         BINARY(16)        NOT NULL,
    user_id    BINARY(16)        NOT NULL,
    purpose    VARCHAR(10)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state      VARCHAR(10)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    source_key VARCHAR(250)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    width      SMALLINT UNSIGNED NULL,
    height     SMALLINT UNSIGNED NULL,
    thumb_hash VARBINARY(40)     NULL,
    error_code VARCHAR(64)       CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at DATETIME(3)       NOT NULL,
    PRIMARY KEY (id),
    KEY pictures_owner (user_id, purpose, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
