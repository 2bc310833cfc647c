-- The different people of a notice, up to the number that is counted exactly.
CREATE TABLE notice_actors (
    notice_id BINARY(16) NOT NULL,
    actor_id  BINARY(16) NOT NULL,
    PRIMARY KEY (notice_id, actor_id),
    KEY notice_actors_actor (actor_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
