-- Lists are read in the order of names, page by page.
CREATE INDEX device_name ON device (name COLLATE "de-x-icu", id);
