-- Users whom a user blocks or mutes (`kind`). For the blocked, the one who blocks does not exist; nobody learns of being
-- muted. The id is a UUIDv7: lists are in its order, newest first.
CREATE TABLE restrictions (
    user_id    BINARY(16) NOT NULL,
    subject_id BINARY(16) NOT NULL,
    kind       VARCHAR(5) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    id         BINARY(16) NOT NULL,
    PRIMARY KEY (user_id, subject_id, kind),
    KEY restrictions_list (user_id, kind, id),
    KEY restrictions_subject (subject_id, user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
