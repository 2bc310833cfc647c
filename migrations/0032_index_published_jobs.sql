-- The audit counts the jobs whose message was confirmed, and lists the oldest of them. Claimed and ended jobs have none:
-- these entries are few, however many jobs there are.
ALTER TABLE jobs ADD KEY jobs_published (published_at, kind)
