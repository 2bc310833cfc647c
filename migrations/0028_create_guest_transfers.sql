-- Guests who signed in to an account that they had already: their analyses move there. Those that are unfinished move when
-- they have ended, so that no worker loses its job's owner.
CREATE TABLE guest_transfers (
    guest_id   BINARY(16)  NOT NULL,
    user_id    BINARY(16)  NOT NULL,
    due_at     DATETIME(3) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    PRIMARY KEY (guest_id),
    KEY guest_transfers_user (user_id),
    KEY guest_transfers_due (due_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
