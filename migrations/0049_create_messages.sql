-- The logs of rooms: messages (`kind` is `text` or `image`), and what else happened (`joined`, `left`, `removed`, `renamed`,
-- `picture`, `edited`, `deleted`), numbered by `seq` without gaps. `counted` is the number of messages up to and with this
-- entry. `subject_id` is the user whom an entry is about, `target_seq` the message that was edited or deleted. `client_key`
-- makes a message that is sent again the same; `digest` is of what was sent (SHA-256, its first half). `attachments` describes
-- the pictures (JSON). A message that is deleted keeps its place and loses its contents.
CREATE TABLE messages (
    room_id     BINARY(16)      NOT NULL,
    seq         BIGINT UNSIGNED NOT NULL,
    id          BINARY(16)      NOT NULL,
    sender_id   BINARY(16)      NULL,
    client_key  VARCHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NULL,
    digest      BINARY(16)      NULL,
    kind        VARCHAR(8)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    body        VARCHAR(4000)   NULL,
    attachments VARCHAR(2000)   NULL,
    subject_id  BINARY(16)      NULL,
    target_seq  BIGINT UNSIGNED NULL,
    counted     BIGINT UNSIGNED NOT NULL,
    sent_at     DATETIME(3)     NOT NULL,
    edited_at   DATETIME(3)     NULL,
    deleted_at  DATETIME(3)     NULL,
    PRIMARY KEY (room_id, seq),
    UNIQUE KEY messages_client_key (room_id, sender_id, client_key),
    KEY messages_sender (sender_id, room_id, seq),
    KEY messages_subject (subject_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
