-- The analysis that last answered a photo, by the photo's SHA-256: the same bytes need no slot again while the model that
-- answered is still the one that answers. `scope` is the user whose photo it was, or zeros where answers are shared by all.
CREATE TABLE photo_answers (
    scope  BINARY(16) NOT NULL,
    sha256 BINARY(32) NOT NULL,
    job_id BINARY(16) NOT NULL,
    PRIMARY KEY (scope, sha256)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
