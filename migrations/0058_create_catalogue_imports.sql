-- Imports that have not ended: how many lines of a file are done, by the SHA-256 of the file. Written in the transaction of the rows.
CREATE TABLE catalogue_imports (
    source     BINARY(32)      NOT NULL,
    line       BIGINT UNSIGNED NOT NULL,
    updated_at DATETIME(3)     NOT NULL,
    PRIMARY KEY (source)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
