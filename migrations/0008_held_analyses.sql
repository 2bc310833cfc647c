-- Queued analyses that have no message yet, because their owner has enough at work: they follow as earlier ones end.
-- A table of its own, since it is empty most of the time; a column would be an index entry on every submit.
CREATE TABLE held_analyses (
    user_id     BINARY(16) NOT NULL,
    analysis_id BINARY(16) NOT NULL,
    PRIMARY KEY (user_id, analysis_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
