-- What search, suggestions and recommendations have to read again: written in the transaction of the change. `kind` is `product`,
-- `post` or `person`; `subject` is the id, as text. Ids can become visible out of order: readers look back over a few seconds.
CREATE TABLE catalogue_changes (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    kind       VARCHAR(10)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject    VARCHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    changed_at DATETIME(3)     NOT NULL,
    PRIMARY KEY (id),
    KEY catalogue_changes_time (changed_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
