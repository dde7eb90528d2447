ALTER TABLE device ADD COLUMN profile_interval integer;
COMMENT ON COLUMN device.profile_interval IS 'Seconds between uplinks as the profile has them; 0 where it has none, null where nobody has asked yet.';

ALTER TABLE last_seen
  ADD COLUMN spreading_factor integer,
  ADD COLUMN gateways         integer,
  ADD COLUMN uplink           text,
  ADD COLUMN sent_at          timestamptz,
  ADD COLUMN clock_off        double precision,
  ADD COLUMN signal_streak    integer NOT NULL DEFAULT 0,
  ADD COLUMN lost             bigint NOT NULL DEFAULT 0,
  ADD COLUMN jump             bigint,
  ADD COLUMN jumped_at        timestamptz,
  ADD COLUMN restarted_at     timestamptz,
  ADD COLUMN replayed_at      timestamptz,
  ADD COLUMN replayed_f_cnt   bigint,
  ADD COLUMN battery          double precision,
  ADD COLUMN battery_at       timestamptz;
COMMENT ON COLUMN last_seen.clock_off IS 'Seconds by which the device''s clock is ahead.';
COMMENT ON COLUMN last_seen.signal_streak IS 'How many uplinks in a row were weak; negative: how many were good.';
COMMENT ON COLUMN last_seen.lost IS 'Frames that never came, in all.';

CREATE TABLE device_condition (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device text COLLATE "C" NOT NULL REFERENCES device ON DELETE CASCADE,
  kind   text NOT NULL,
  since  timestamptz NOT NULL DEFAULT now(),
  until  timestamptz,
  detail jsonb NOT NULL
);
CREATE UNIQUE INDEX device_condition_open ON device_condition (device, kind) WHERE until IS NULL;
CREATE INDEX device_condition_device ON device_condition (device, id DESC);

ALTER TABLE outbox ADD COLUMN data jsonb;
COMMENT ON COLUMN outbox.data IS 'What is told, where it is not how the device is when it is told.';
