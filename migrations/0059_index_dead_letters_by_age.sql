-- Retention deletes the oldest dead letters.
ALTER TABLE dead_letters ADD KEY dead_letters_age (created_at)
