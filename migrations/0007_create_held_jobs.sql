-- Queued jobs without a message, because their owner has enough at work: they follow as earlier ones end. A table of its
-- own, since it is empty most of the time; a column would be an index entry on every submit.
CREATE TABLE held_jobs (
    kind    VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id BINARY(16)  NOT NULL,
    job_id  BINARY(16)  NOT NULL,
    PRIMARY KEY (kind, user_id, job_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
