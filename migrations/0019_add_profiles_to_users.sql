-- A user's public profile. `number` is the public id of clients that know numbers only. `nickname_key` is the nickname
-- without regard to case and Unicode form (NFKC, case folded, computed by the api); the defaults serve rows that exist
-- and replicas of the release before, and are keys of themselves. What changes often (colour, counts) has its own
-- tables, so that nobody waits for the user's row. `deleted_at`: the user has asked to be deleted, and exists for nobody.
ALTER TABLE users
    ADD COLUMN number BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    ADD COLUMN nickname VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        NOT NULL DEFAULT (CONCAT('user', LOWER(RIGHT(HEX(id), 12)))),
    ADD COLUMN nickname_key VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        NOT NULL DEFAULT (CONCAT('user', LOWER(RIGHT(HEX(id), 12)))),
    ADD COLUMN bio VARCHAR(100) NOT NULL DEFAULT '',
    ADD COLUMN picture_id BINARY(16) NULL,
    ADD COLUMN deleted_at DATETIME(3) NULL,
    ADD UNIQUE KEY users_number (number),
    ADD UNIQUE KEY users_nickname (nickname_key)
