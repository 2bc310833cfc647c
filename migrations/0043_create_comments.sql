-- Comments on posts. `thread` is the comment that one replies to, 0 for none. A deleted comment that has replies stays as an
-- empty one of nobody's (a `user_id` of zeros), until they are gone.
CREATE TABLE comments (
    number     BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    id         BINARY(16)      NOT NULL,
    post_id    BIGINT UNSIGNED NOT NULL,
    thread     BIGINT UNSIGNED NOT NULL,
    user_id    BINARY(16)      NOT NULL,
    text       VARCHAR(1000)   NOT NULL,
    created_at DATETIME(3)     NOT NULL,
    edited_at  DATETIME(3)     NULL,
    deleted_at DATETIME(3)     NULL,
    PRIMARY KEY (number),
    UNIQUE KEY comments_id (id),
    KEY comments_thread (post_id, thread, number),
    KEY comments_user (user_id, number),
    KEY comments_deleted (deleted_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
