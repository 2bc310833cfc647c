-- The pictures of a post, in order. `alt` describes one for those who do not see it.
CREATE TABLE post_pictures (
    post_id    BIGINT UNSIGNED  NOT NULL,
    position   TINYINT UNSIGNED NOT NULL,
    picture_id BINARY(16)       NOT NULL,
    alt        VARCHAR(300)     NOT NULL DEFAULT '',
    PRIMARY KEY (post_id, position),
    UNIQUE KEY post_pictures_picture (picture_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
