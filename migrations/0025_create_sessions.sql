-- A device on which somebody is signed in. Its id is the family of its refresh tokens, which are rotated under this row's
-- lock. A revoked row stays until it expires: every replica learns of it by `revoked_at`.
CREATE TABLE sessions (
    id             BINARY(16)   NOT NULL,
    user_id        BINARY(16)   NOT NULL,
    device         VARCHAR(100) NOT NULL,
    push_target_id BINARY(16)   NULL,
    created_at     DATETIME(3)  NOT NULL,
    last_seen_at   DATETIME(3)  NOT NULL,
    expires_at     DATETIME(3)  NOT NULL,
    revoked_at     DATETIME(3)  NULL,
    PRIMARY KEY (id),
    KEY sessions_user (user_id, id),
    KEY sessions_expiry (expires_at),
    KEY sessions_revoked (revoked_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
