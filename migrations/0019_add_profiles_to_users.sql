-- A user's public profile. `number` is the id for clients that know numbers only. `nickname_key` is the nickname without
-- regard to case and Unicode form (NFKC, case folded, computed by the api); the defaults serve rows that exist and
-- replicas of the release before, and are keys of themselves. `followers` and `following` count rows of `follows`, and
-- change in the transactions that change those: who follows, blocks or deletes locks the users concerned, in order of id.
-- No analysis locks a user. `deleted_at`: the user has asked to be deleted, and exists for nobody any more.
ALTER TABLE users
    ADD COLUMN number BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    ADD COLUMN nickname VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        NOT NULL DEFAULT (CONCAT('user', LOWER(RIGHT(HEX(id), 12)))),
    ADD COLUMN nickname_key VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        NOT NULL DEFAULT (CONCAT('user', LOWER(RIGHT(HEX(id), 12)))),
    ADD COLUMN bio VARCHAR(100) NOT NULL DEFAULT '',
    ADD COLUMN picture_id BINARY(16) NULL,
    ADD COLUMN followers INT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN following INT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN deleted_at DATETIME(3) NULL,
    ADD UNIQUE KEY users_number (number),
    ADD UNIQUE KEY users_nickname (nickname_key)
