-- What a provider's page gave us to take a person's consent back with (an OAuth refresh token, encrypted), by identity. Once the
-- person unlinks the identity or has the account deleted, `due_at` says when it is to be revoked there, and `user_id` nobody.
CREATE TABLE sign_in_grants (
    identity_id BINARY(16)        NOT NULL,
    user_id     BINARY(16)        NULL,
    provider    VARCHAR(30)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    token       VARCHAR(4096)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    due_at      DATETIME(3)       NULL,
    attempts    SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    created_at  DATETIME(3)       NOT NULL,
    PRIMARY KEY (identity_id),
    KEY sign_in_grants_user (user_id),
    KEY sign_in_grants_due (due_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
