-- What network servers tell of devices beside uplinks: the newest of each kind.
CREATE TABLE device_signal (
  device         text COLLATE "C" NOT NULL REFERENCES device ON DELETE CASCADE,
  kind           text NOT NULL,
  at             timestamptz NOT NULL,
  battery_level  double precision,
  external_power boolean,
  margin         double precision,
  level          text,
  text           text,
  downlink       text,
  location       jsonb,
  PRIMARY KEY (device, kind)
) WITH (fillfactor = 70);
COMMENT ON COLUMN device_signal.battery_level IS 'Percent.';
COMMENT ON COLUMN device_signal.margin IS 'dB.';
