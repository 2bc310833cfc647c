-- The session that a ticket was made in: a stream ends with it. NULL: made by a release that knew no sessions.
ALTER TABLE stream_tickets ADD COLUMN session_id BINARY(16) NULL
