-- What a user wishes to be told: the kinds that are off, their names separated by commas, and the quiet hours of the
-- user's devices, in minutes from midnight at `utc_offset` minutes from UTC. A user without a row is told of everything.
CREATE TABLE notice_settings (
    user_id     BINARY(16)        NOT NULL,
    off         VARCHAR(400)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    quiet_from  SMALLINT UNSIGNED NULL,
    quiet_until SMALLINT UNSIGNED NULL,
    utc_offset  SMALLINT          NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
