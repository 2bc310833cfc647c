-- An event that one target is to be notified of, written in the transaction that makes it true. The id is a UUIDv7: the
-- receiver sees it, the same at every attempt, and the purge finds old rows by it. `subject_id` is what the event is
-- about: a job, or (event = 'webhook.disabled') a target. `due_at` NULL: it has ended.
CREATE TABLE push_deliveries (
    id         BINARY(16)        NOT NULL,
    target_id  BINARY(16)        NOT NULL,
    event      VARCHAR(40)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject_id BINARY(16)        NULL,
    state      VARCHAR(10)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    attempt    SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    due_at     DATETIME(3)       NULL,
    created_at DATETIME(3)       NOT NULL,
    ended_at   DATETIME(3)       NULL,
    PRIMARY KEY (id),
    KEY push_deliveries_due (target_id, due_at),
    KEY push_deliveries_log (target_id, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
