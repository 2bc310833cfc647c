-- The audit log of operators: written in the transaction of the action, or before it where that is not in this database.
CREATE TABLE operator_actions (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    operator   VARCHAR(100)    NOT NULL,
    action     VARCHAR(40)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    target     VARCHAR(100)    NOT NULL,
    detail     VARCHAR(500)    NULL,
    address    VARCHAR(45)     CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at DATETIME(3)     NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
