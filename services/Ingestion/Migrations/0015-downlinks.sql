CREATE TABLE downlink_way (
  id         text COLLATE "C" PRIMARY KEY,
  way        jsonb NOT NULL,
  secret     text,
  is_default boolean NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX downlink_way_default ON downlink_way (is_default) WHERE is_default;
COMMENT ON COLUMN downlink_way.is_default IS 'The way to all devices that have none of their own.';

CREATE TABLE downlink_way_device (
  device text COLLATE "C" PRIMARY KEY REFERENCES device ON DELETE CASCADE,
  way    text COLLATE "C" NOT NULL REFERENCES downlink_way ON DELETE CASCADE
);
CREATE INDEX downlink_way_device_way ON downlink_way_device (way);

CREATE TABLE downlink (
  id          uuid PRIMARY KEY,
  device      text COLLATE "C" NOT NULL REFERENCES device ON DELETE CASCADE,
  f_port      smallint,
  bytes       bytea,
  data        json,
  confirmed   boolean NOT NULL,
  priority    smallint NOT NULL,
  by          text NOT NULL,
  queued_at   timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL,
  state       text NOT NULL DEFAULT 'queued',
  state_since timestamptz NOT NULL DEFAULT now(),
  reason      text,
  attempts    integer NOT NULL DEFAULT 0,
  due_at      timestamptz NOT NULL DEFAULT now(),
  way         text COLLATE "C",
  told_as     text[] NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN downlink.data IS 'json, not jsonb: a text in it may have what jsonb refuses.';
COMMENT ON COLUMN downlink.due_at IS 'Of a queued one the next attempt; of one that is being sent: from then on, whoever sends it is taken for dead.';
COMMENT ON COLUMN downlink.told_as IS 'What network servers call it, of each attempt that one took.';
CREATE INDEX downlink_waiting ON downlink (device) WHERE state IN ('queued', 'sending');
CREATE INDEX downlink_device ON downlink (device, id DESC);

-- The audit: one row for each change of a state.
CREATE TABLE downlink_change (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  downlink   uuid NOT NULL REFERENCES downlink ON DELETE CASCADE,
  at         timestamptz NOT NULL DEFAULT now(),
  from_state text,
  to_state   text NOT NULL,
  by         text NOT NULL,
  reason     text
);
CREATE INDEX downlink_change_downlink ON downlink_change (downlink, id);
