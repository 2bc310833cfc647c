-- Posts, and entries of diaries (`visibility` `self`: their authors' alone). `number` orders them and is the id for clients that
-- know numbers only. `state` is `processing` (pictures are being made), `ready`, `failed` (one was refused) or `deleted`: its words
-- and pictures are gone, and what hangs on it is deleted in slices. Counts are in `content_counters`, apart, so that no like
-- waits for a post.
CREATE TABLE posts (
    number     BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    id         BINARY(16)      NOT NULL,
    user_id    BINARY(16)      NOT NULL,
    visibility VARCHAR(6)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state      VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    title      VARCHAR(100)    NOT NULL DEFAULT '',
    text       VARCHAR(1000)   NOT NULL,
    created_at DATETIME(3)     NOT NULL,
    edited_at  DATETIME(3)     NULL,
    PRIMARY KEY (number),
    UNIQUE KEY posts_id (id),
    KEY posts_author (user_id, visibility, state, number),
    KEY posts_own (user_id, visibility, number),
    KEY posts_newest (visibility, state, number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
