-- Who is in which room now; leaving deletes the row. A member sees the entries of the room's log after `joined_seq`, and has
-- read those up to `read_seq`, among which there are `read_counted` messages: unread are `rooms.counted - read_counted`.
-- `read_seq` only grows. `peer_id` is the other user of a direct room. `muted`: no notifications.
CREATE TABLE members (
    user_id      BINARY(16)      NOT NULL,
    room_id      BINARY(16)      NOT NULL,
    peer_id      BINARY(16)      NULL,
    joined_seq   BIGINT UNSIGNED NOT NULL,
    read_seq     BIGINT UNSIGNED NOT NULL,
    read_counted BIGINT UNSIGNED NOT NULL,
    muted        BOOLEAN         NOT NULL DEFAULT FALSE,
    PRIMARY KEY (user_id, room_id),
    KEY members_reads (room_id, read_seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
