-- What shops sell. `id` is the catalogue's number for the product, which the app knows it by. `price` is in won. `hex` is the
-- colour as #RRGGBB (sRGB); `colour` is what the shop calls it. `digest` is the first half of the SHA-256 of all that is imported,
-- so that a repeated import leaves alone what has not changed.
CREATE TABLE products (
    id         BIGINT UNSIGNED NOT NULL,
    brand      VARCHAR(100)    NOT NULL,
    name       VARCHAR(200)    NOT NULL,
    price      INT UNSIGNED    NOT NULL,
    type       VARCHAR(40)     NOT NULL,
    sex        VARCHAR(6)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    colour     VARCHAR(40)     NULL,
    hex        CHAR(7)         CHARACTER SET ascii COLLATE ascii_bin NULL,
    url        VARCHAR(1000)   NOT NULL,
    digest     BINARY(16)      NOT NULL,
    created_at DATETIME(3)     NOT NULL,
    updated_at DATETIME(3)     NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
