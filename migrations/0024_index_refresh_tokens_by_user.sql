-- Whoever deletes the account signs out everywhere.
ALTER TABLE refresh_tokens ADD KEY refresh_tokens_user (user_id)
