-- The pictures of messages: each belongs to one message at most.
CREATE TABLE message_pictures (
    picture_id BINARY(16)      NOT NULL,
    room_id    BINARY(16)      NOT NULL,
    seq        BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (picture_id),
    KEY message_pictures_message (room_id, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
