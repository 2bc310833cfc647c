-- Operators list the dead letters of one reason, newest first.
ALTER TABLE dead_letters ADD KEY dead_letters_reason (reason, id)
