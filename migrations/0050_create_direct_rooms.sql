-- The direct room of each pair of users, `low_user` being the smaller id: one room a pair, whoever is in it now.
CREATE TABLE direct_rooms (
    low_user  BINARY(16) NOT NULL,
    high_user BINARY(16) NOT NULL,
    room_id   BINARY(16) NOT NULL,
    PRIMARY KEY (low_user, high_user),
    UNIQUE KEY direct_rooms_room (room_id),
    KEY direct_rooms_high (high_user)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
