-- Whoever deletes an analysis deletes the answer that it would give to the same photo.
ALTER TABLE photo_answers ADD KEY photo_answers_job (job_id)
