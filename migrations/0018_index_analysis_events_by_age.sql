-- Finds the events that are older than their retention.
ALTER TABLE analysis_events ADD KEY analysis_events_age (created_at)
