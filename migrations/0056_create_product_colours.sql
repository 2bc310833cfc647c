-- The seasons that a product's colour suits, and how well: 1 to 100.
CREATE TABLE product_colours (
    product_id BIGINT UNSIGNED  NOT NULL,
    season     VARCHAR(6)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    weight     TINYINT UNSIGNED NOT NULL,
    PRIMARY KEY (product_id, season)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
