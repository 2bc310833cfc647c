-- The job of any kind, its own outbox and its own timer. `payload` is what its kind's handler reads. `publish_due` is the
-- moment the sweep must look at the row again: a message not yet confirmed, a retry's backoff, a lease that may have
-- expired, a deadline. NULL: nothing to do. `publish_seq` counts how often the row became due, so that a late confirm
-- cannot clear a newer due time. `published_at` is when the broker last confirmed a message for the row; NULL while there
-- is none that the row knows of. The audit compares these rows with the messages in the queue.
-- No foreign keys: they would lock the user's row on every submit.
CREATE TABLE jobs (
    id               BINARY(16)        NOT NULL,
    kind             VARCHAR(30)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id          BINARY(16)        NOT NULL,
    payload          JSON              NOT NULL,
    status           VARCHAR(10)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version          INT UNSIGNED      NOT NULL DEFAULT 1,
    attempt          SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    lease_token      BINARY(16)        NULL,
    lease_expires_at DATETIME(3)       NULL,
    publish_due      DATETIME(3)       NULL,
    publish_seq      INT UNSIGNED      NOT NULL DEFAULT 0,
    published_at     DATETIME(3)       NULL,
    deadline         DATETIME(3)       NULL,
    traceparent      VARCHAR(55)       CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at       DATETIME(3)       NOT NULL,
    started_at       DATETIME(3)       NULL,
    finished_at      DATETIME(3)       NULL,
    PRIMARY KEY (id),
    KEY jobs_history (user_id, kind, id),
    -- A user's unfinished ones, however long the history; the primary key at its end keeps them in order.
    KEY jobs_active (user_id, kind, finished_at),
    KEY jobs_due (publish_due),
    KEY jobs_queue (kind, status, id),
    KEY jobs_finished (kind, finished_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
