-- The leader of each role that one replica at a time has, and the time until which it leads: see `leader.rs`.
CREATE TABLE leaders (
    role       VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    holder     BINARY(16)  NOT NULL,
    expires_at DATETIME(3) NOT NULL,
    PRIMARY KEY (role)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
