-- The addresses of a product's pictures, in order.
CREATE TABLE product_pictures (
    product_id BIGINT UNSIGNED  NOT NULL,
    position   TINYINT UNSIGNED NOT NULL,
    url        VARCHAR(1000)    NOT NULL,
    PRIMARY KEY (product_id, position)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
