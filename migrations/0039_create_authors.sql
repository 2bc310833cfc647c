-- What somebody has posted that is ready: the newest post, by which followers' feeds find it without a copy for each, and the
-- numbers of posts and of diary entries. Changes in the transactions that change posts.
CREATE TABLE authors (
    user_id   BINARY(16)      NOT NULL,
    last_post BIGINT UNSIGNED NULL,
    posts     INT UNSIGNED    NOT NULL DEFAULT 0,
    entries   INT UNSIGNED    NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
