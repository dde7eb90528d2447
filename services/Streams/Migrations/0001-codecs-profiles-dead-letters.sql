-- Every text that a codec has had; the one with the highest version counts.
CREATE TABLE streams.codec (
  id text NOT NULL,
  version integer NOT NULL,
  text text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, version)
);

CREATE TABLE streams.device_profile (
  id text PRIMARY KEY,
  profile jsonb NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);

-- What could not be processed. A replayed one stays, hidden, so that a late copy of its record does not show it again.
CREATE TABLE streams.dead_letter (
  id text PRIMARY KEY,
  topic text NOT NULL,
  key text NOT NULL,
  device text,
  type text NOT NULL,
  reason text NOT NULL,
  at timestamptz NOT NULL,
  payload bytea NOT NULL,
  replayed_at timestamptz
);

CREATE INDEX dead_letter_open ON streams.dead_letter (at DESC, id DESC) WHERE replayed_at IS NULL;
