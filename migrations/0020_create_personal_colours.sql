-- The season of each user's latest analysis that succeeded (the highest job id: ids are in order of submission), written
-- in the transaction that ends the analysis. Apart from `users`, so that no job waits for a user's row.
CREATE TABLE personal_colours (
    user_id BINARY(16) NOT NULL,
    colour  VARCHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    job_id  BINARY(16) NOT NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
SELECT j.user_id AS user_id,
       JSON_UNQUOTE(JSON_EXTRACT(o.result, '$.personalColor')) AS colour,
       j.id AS job_id
FROM (SELECT MAX(id) AS id FROM jobs
      WHERE kind = 'analysis' AND status = 'succeeded' GROUP BY user_id) latest
JOIN jobs j ON j.id = latest.id
JOIN job_outcomes o ON o.job_id = j.id
