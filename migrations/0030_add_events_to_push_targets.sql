-- The events that a webhook is told of, their names separated by commas; NULL: all of them.
ALTER TABLE push_targets ADD COLUMN events VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL
