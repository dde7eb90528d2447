-- People expect "Pegel 9" before "Pegel 10": digits count as numbers.
CREATE COLLATION in_order (provider = icu, locale = 'de-u-kn');
CREATE INDEX device_name_in_order ON device (name COLLATE in_order, id);
DROP INDEX device_name;
