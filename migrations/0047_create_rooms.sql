-- Rooms of conversations. `kind` is `direct` or `group`. `number` is the id for clients that know numbers only. Each entry
-- of a room's log takes the next `last_seq` under this row's lock; `counted` is the number of messages among them, which is
-- what unread counts are computed from. `members` counts the rows of `members`. `last_at` is the time of the newest message
-- (of the creation before the first); `preview` is its beginning, NULL where it has no text.
CREATE TABLE rooms (
    id           BINARY(16)       NOT NULL,
    number       BIGINT UNSIGNED  NOT NULL AUTO_INCREMENT,
    kind         VARCHAR(6)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name         VARCHAR(60)      NULL,
    owner_id     BINARY(16)       NULL,
    picture_id   BINARY(16)       NULL,
    members      INT UNSIGNED     NOT NULL DEFAULT 0,
    last_seq     BIGINT UNSIGNED  NOT NULL DEFAULT 0,
    counted      BIGINT UNSIGNED  NOT NULL DEFAULT 0,
    last_at      DATETIME(3)      NOT NULL,
    preview      VARCHAR(100)     NULL,
    preview_kind VARCHAR(8)       CHARACTER SET ascii COLLATE ascii_bin NULL,
    preview_seq  BIGINT UNSIGNED  NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY rooms_number (number),
    KEY rooms_owner (owner_id),
    KEY rooms_empty (members, last_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
