-- The ranking as it was in one minute (`version`): the numbers of its posts in order, eight bytes each, most significant first.
-- Whichever replica needs it first writes it, and all page over the same.
CREATE TABLE rankings (
    version    BIGINT UNSIGNED NOT NULL,
    posts      MEDIUMBLOB      NOT NULL,
    created_at DATETIME(3)     NOT NULL,
    PRIMARY KEY (version)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
