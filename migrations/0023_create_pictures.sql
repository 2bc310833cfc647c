-- Pictures that others may see: profiles' now. The job of the same id reads the upload at `source_key`, checks it and stores
-- it anew in three sizes. `state` is `pending`, `ready`, `refused` (then `error_code` says why) or `deleted` (its objects are
-- about to be). `thumb_hash` is a preview in a few bytes.
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
