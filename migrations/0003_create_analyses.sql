-- The job, its own outbox and its own timer. `publish_due` is the moment the sweep must look at the row again: a message
-- not yet confirmed (or confirmed long ago), a retry's backoff, a lease that may have expired, a deadline. NULL: it has
-- ended, nothing to do.
-- `publish_seq` counts how often the row became due, so that a late confirm cannot clear a newer due time.
-- No foreign keys: they would lock the user's row on every submit.
CREATE TABLE analyses (
    id               BINARY(16)        NOT NULL,
    user_id          BINARY(16)        NOT NULL,
    object_key       VARCHAR(200)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status           VARCHAR(10)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version          INT UNSIGNED      NOT NULL DEFAULT 1,
    attempt          SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    lease_token      BINARY(16)        NULL,
    lease_expires_at DATETIME(3)       NULL,
    publish_due      DATETIME(3)       NULL,
    publish_seq      INT UNSIGNED      NOT NULL DEFAULT 0,
    deadline         DATETIME(3)       NULL,
    traceparent      VARCHAR(55)       CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at       DATETIME(3)       NOT NULL,
    started_at       DATETIME(3)       NULL,
    finished_at      DATETIME(3)       NULL,
    PRIMARY KEY (id),
    KEY analyses_history (user_id, id),
    -- A user's unfinished ones, however long the history; the primary key at its end keeps them in order.
    KEY analyses_active (user_id, finished_at),
    KEY analyses_due (publish_due),
    KEY analyses_queue (status, id),
    KEY analyses_finished (finished_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
