-- Refresh tokens by their SHA-256: a copy of this table signs nobody in. A used token stays until it expires, because
-- its second use is how a theft shows itself; the whole family is then deleted.
CREATE TABLE refresh_tokens (
    token_hash BINARY(32)  NOT NULL,
    family_id  BINARY(16)  NOT NULL,
    user_id    BINARY(16)  NOT NULL,
    created_at DATETIME(3) NOT NULL,
    expires_at DATETIME(3) NOT NULL,
    used_at    DATETIME(3) NULL,
    PRIMARY KEY (token_hash),
    KEY refresh_tokens_family (family_id),
    KEY refresh_tokens_expiry (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
