-- People whom a post or a comment mentions (@nickname), as they were called when it was written.
CREATE TABLE mentions (
    kind      VARCHAR(7)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    target_id BIGINT UNSIGNED NOT NULL,
    user_id   BINARY(16)      NOT NULL,
    PRIMARY KEY (kind, target_id, user_id),
    KEY mentions_user (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
