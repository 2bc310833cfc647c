-- Who likes what, as `content_counters` names it.
CREATE TABLE likes (
    kind       VARCHAR(7)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    target_id  BIGINT UNSIGNED NOT NULL,
    user_id    BINARY(16)      NOT NULL,
    created_at DATETIME(6)     NOT NULL,
    PRIMARY KEY (kind, target_id, user_id),
    KEY likes_of_user (user_id, kind, created_at, target_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
