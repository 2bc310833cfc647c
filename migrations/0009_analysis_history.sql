-- What befell an analysis on its way, besides beginning and ending: failed attempts, workers that vanished, hand-backs,
-- replays. An analysis that goes well has no rows here.
CREATE TABLE analysis_history (
    id          BIGINT UNSIGNED   NOT NULL AUTO_INCREMENT,
    analysis_id BINARY(16)        NOT NULL,
    attempt     SMALLINT UNSIGNED NOT NULL,
    kind        VARCHAR(20)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    code        VARCHAR(64)       CHARACTER SET ascii COLLATE ascii_bin NULL,
    message     VARCHAR(500)      NULL,
    created_at  DATETIME(3)       NOT NULL,
    PRIMARY KEY (id),
    KEY analysis_history_analysis (analysis_id, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
