ALTER TABLE device
  ADD COLUMN tags         text[] NOT NULL DEFAULT '{}',
  ADD COLUMN device_group text,
  ADD COLUMN department   text,
  ADD COLUMN notes        text,
  ADD COLUMN installed_at timestamptz,
  ADD COLUMN external_ids jsonb;
CREATE INDEX device_tags ON device USING gin (tags);
COMMENT ON COLUMN device.external_ids IS 'What other systems call it: name of the system, id there.';

-- Apart from the device, which is read in lists.
CREATE TABLE device_photo (
  device     text COLLATE "C" PRIMARY KEY REFERENCES device ON DELETE CASCADE,
  content    bytea NOT NULL,
  media_type text NOT NULL,
  etag       text NOT NULL,
  at         timestamptz NOT NULL DEFAULT now()
);
-- Pictures are compressed already.
ALTER TABLE device_photo ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE device_maintenance (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device text COLLATE "C" NOT NULL REFERENCES device ON DELETE CASCADE,
  at     timestamptz NOT NULL,
  kind   text NOT NULL,
  text   text,
  by     text NOT NULL
);
CREATE INDEX device_maintenance_device ON device_maintenance (device, at DESC, id DESC);
