-- The development database and its user, for MariaDB (--init-file: one statement a line) and MySQL containers.
-- The user may do anything on this server: tests make a database each.
CREATE DATABASE IF NOT EXISTS toneup CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'toneup'@'%' IDENTIFIED BY 'toneup';
GRANT ALL PRIVILEGES ON *.* TO 'toneup'@'%' WITH GRANT OPTION;
