-- Whoever is away is told of new messages: `notify_due` is when to look for them, NULL while there is nothing to tell, and
-- `notified_seq` the last entry that was looked at.
ALTER TABLE rooms
    ADD COLUMN notify_due DATETIME(3) NULL,
    ADD COLUMN notified_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD KEY rooms_notify (notify_due)
