-- Operators whose tokens, as far as they were made before `revoked_at`, are good no more. A row matters for a day: no token
-- lives longer.
CREATE TABLE operator_revocations (
    operator   VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    revoked_at DATETIME(3) NOT NULL,
    PRIMARY KEY (operator)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
