ALTER TABLE device
  ADD COLUMN state       text NOT NULL DEFAULT 'planned',
  ADD COLUMN state_since timestamptz NOT NULL DEFAULT now();
UPDATE device d SET state = 'active' FROM last_seen s WHERE s.device = d.id;
CREATE INDEX device_state ON device (state);

CREATE TABLE device_state_change (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device     text COLLATE "C" NOT NULL REFERENCES device ON DELETE CASCADE,
  at         timestamptz NOT NULL DEFAULT now(),
  from_state text NOT NULL,
  to_state   text NOT NULL,
  by         text NOT NULL,
  reason     text
);
CREATE INDEX device_state_change_device ON device_state_change (device, id DESC);
