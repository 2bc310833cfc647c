-- Where a user is notified: a webhook's URL, a browser's push endpoint, a phone's token. A target is also the lane in
-- which its deliveries are sent: `due_at` is when it has something to send (NULL: nothing, or disabled), and `held_until`
-- when it may be looked at again, because a sender holds it (then `lease_token` is set) or because it rests after a failure.
-- So a target that is slow or down keeps one lane busy, whatever its backlog.
CREATE TABLE push_targets (
    id              BINARY(16)    NOT NULL,
    user_id         BINARY(16)    NOT NULL,
    channel         VARCHAR(10)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    address         VARCHAR(2048) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    address_hash    BINARY(32)    NOT NULL,
    secrets         TEXT          CHARACTER SET ascii COLLATE ascii_bin NULL,
    description     VARCHAR(200)  NULL,
    due_at          DATETIME(3)   NULL,
    held_until      DATETIME(3)   NULL,
    lease_token     BINARY(16)    NULL,
    failing_since   DATETIME(3)   NULL,
    disabled_at     DATETIME(3)   NULL,
    disabled_reason VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at      DATETIME(3)   NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY push_targets_address (channel, address_hash, user_id),
    KEY push_targets_user (user_id, channel),
    KEY push_targets_due (channel, due_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
