CREATE TABLE device (
  id                text COLLATE "C" PRIMARY KEY,
  name              text NOT NULL,
  description       text,
  dev_eui           text CONSTRAINT device_dev_eui UNIQUE,
  profile           text NOT NULL,
  decoded_by_sender boolean NOT NULL,
  dataset           text,
  location          jsonb,
  expected_interval integer,
  key_hash          text NOT NULL CONSTRAINT device_key_hash UNIQUE,
  registered_at     timestamptz NOT NULL DEFAULT now(),
  changed_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX device_profile ON device (profile);
COMMENT ON COLUMN device.decoded_by_sender IS 'The profile has no codec: the network server''s decoded fields count.';
COMMENT ON COLUMN device.key_hash IS 'SHA-256 of the device''s key, hexadecimal.';

-- Apart from the device, so that what changes every few minutes stays small and updates stay on their page.
CREATE TABLE last_seen (
  device text COLLATE "C" PRIMARY KEY REFERENCES device ON DELETE CASCADE,
  at     timestamptz NOT NULL,
  f_cnt  bigint,
  rssi   double precision,
  snr    double precision
) WITH (fillfactor = 50);

-- Written with the change that it tells of, in one transaction; the publisher removes what is told.
CREATE TABLE outbox (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id    uuid NOT NULL DEFAULT gen_random_uuid(),
  type        text NOT NULL,
  device      text COLLATE "C" NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  traceparent text,
  attempts    integer NOT NULL DEFAULT 0,
  due         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_device ON outbox (device, id);
