-- Who follows whom. The id is a UUIDv7: lists are in its order, newest first.
CREATE TABLE follows (
    follower_id BINARY(16) NOT NULL,
    followed_id BINARY(16) NOT NULL,
    id          BINARY(16) NOT NULL,
    PRIMARY KEY (follower_id, followed_id),
    KEY follows_following (follower_id, id),
    KEY follows_followers (followed_id, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
