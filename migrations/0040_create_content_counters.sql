-- Likes and comments of what can be liked (`kind` `post`, `comment` or `product`); a comment's comments are its replies. Whoever
-- changes rows of `likes` or `comments` locks these first, in the order of the key; what has no row here cannot be liked.
-- `born_at` is the time of a post in seconds, `hotness` its place in the ranking: see shared/people/src/ranking.rs.
CREATE TABLE content_counters (
    kind      VARCHAR(7)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    target_id BIGINT UNSIGNED NOT NULL,
    likes     INT UNSIGNED    NOT NULL DEFAULT 0,
    comments  INT UNSIGNED    NOT NULL DEFAULT 0,
    born_at   BIGINT UNSIGNED NOT NULL DEFAULT 0,
    hotness   BIGINT UNSIGNED NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, target_id),
    KEY content_counters_hotness (kind, hotness)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
