-- Who a provider says that somebody is. A user may have several; `subject` is the provider's own name for the person. No
-- address and no name is kept: accounts are never joined by them.
CREATE TABLE identities (
    provider   VARCHAR(30)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    id         BINARY(16)   NOT NULL,
    user_id    BINARY(16)   NOT NULL,
    created_at DATETIME(3)  NOT NULL,
    PRIMARY KEY (provider, subject),
    UNIQUE KEY identities_id (id),
    KEY identities_user (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
