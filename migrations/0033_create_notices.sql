-- What a user is told of other people: one row for everything of one kind about one subject that the user has not read,
-- so that a hundred likes are one notice. `open_key` is the SHA-256 of user, name and subject while the notice is unread,
-- NULL afterwards: the next one begins a new row. `actor_id` is whoever came last, `actors` the number of different people,
-- `times` how often it happened. `place` is the UUIDv7 of the last change: lists are in its order, newest first.
CREATE TABLE notices (
    id         BINARY(16)   NOT NULL,
    user_id    BINARY(16)   NOT NULL,
    name       VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject_id BINARY(16)   NOT NULL,
    actor_id   BINARY(16)   NOT NULL,
    actors     INT UNSIGNED NOT NULL,
    times      INT UNSIGNED NOT NULL,
    place      BINARY(16)   NOT NULL,
    open_key   BINARY(32)   NULL,
    changed_at DATETIME(3)  NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY notices_open (open_key),
    KEY notices_list (user_id, place),
    KEY notices_unread (user_id, open_key),
    -- Finds what a person did, to erase it with that person.
    KEY notices_actor (actor_id),
    -- Finds the notices that are older than their retention.
    KEY notices_age (changed_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
