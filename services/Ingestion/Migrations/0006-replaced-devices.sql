ALTER TABLE device ADD COLUMN previous_dev_euis text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN device.previous_dev_euis IS 'DevEUIs of the devices that it replaced, the last ones; uplinks of these are unknown.';
