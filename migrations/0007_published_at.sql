-- When the broker last confirmed a message for the row; NULL while there is none that the row knows of (not yet
-- confirmed, held back, in backoff, taken). The audit compares these rows with what the queue holds.
ALTER TABLE analyses ADD COLUMN published_at DATETIME(3) NULL
