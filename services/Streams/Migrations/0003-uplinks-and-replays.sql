-- Uplinks as they came, for some days, so that they can be decoded again. A partition per day of arrival; the service makes and drops them.
CREATE TABLE streams.uplink (
  id text NOT NULL,
  device text NOT NULL,
  profile text NOT NULL,
  time timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  f_port integer NOT NULL,
  f_cnt bigint,
  bytes bytea,
  data text,
  PRIMARY KEY (device, received_at, id)
) PARTITION BY RANGE (received_at);

CREATE INDEX uplink_of_profile ON streams.uplink (profile, received_at, id);

-- Who had which uplinks decoded again, with what, and how far that is. Rows stay: they are the audit.
CREATE TABLE streams.replay (
  id text PRIMARY KEY,
  device text,
  profile text NOT NULL,
  definition jsonb NOT NULL,
  codec text,
  codec_version integer,
  from_time timestamptz NOT NULL,
  to_time timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
  reason text,
  total bigint NOT NULL,
  uplinks bigint NOT NULL DEFAULT 0,
  observations bigint NOT NULL DEFAULT 0,
  failures bigint NOT NULL DEFAULT 0,
  first_failure text,
  place_time timestamptz NOT NULL,
  place_id text NOT NULL DEFAULT '',
  accepted_at timestamptz NOT NULL,
  accepted_by text NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  cancelled_by text
);

CREATE INDEX replay_newest ON streams.replay (accepted_at DESC, id DESC);
CREATE INDEX replay_open ON streams.replay (accepted_at, id) WHERE state IN ('waiting', 'running');
