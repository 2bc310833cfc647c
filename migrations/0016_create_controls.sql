-- Switches that operators set and every replica heeds, whatever else is away: `intake` = `paused` stops the workers.
CREATE TABLE controls (
    name       VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    value      VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    changed_by VARCHAR(100) NOT NULL,
    changed_at DATETIME(3)  NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
