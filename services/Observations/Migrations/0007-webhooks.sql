-- Who wants observations pushed to an address of its own, how far it is, and what became of each attempt.
CREATE TABLE subscription (
  id text PRIMARY KEY,
  name text NOT NULL,
  url text NOT NULL,
  secret bytea NOT NULL,
  datastreams text[] NOT NULL,
  things text[] NOT NULL,
  types text[] NOT NULL,
  bbox double precision[],
  batch_most int NOT NULL,
  batch_within interval NOT NULL,
  -- The classes of whoever made it: it never gets more, whatever its filters say.
  access text[] NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Grows with each change, so that the worker begins anew.
  version int NOT NULL DEFAULT 1,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'ended')),
  -- All up to this place of the log is delivered, since then.
  place text NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now(),
  delivered bigint NOT NULL DEFAULT 0,
  gaps int NOT NULL DEFAULT 0,
  failures int NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  last_success_at timestamptz,
  last_error text,
  last_error_at timestamptz,
  -- The instance that delivers it, and until when it does unless it says so again.
  owner text,
  owned_until timestamptz
) WITH (fillfactor = 50);

CREATE TABLE delivery (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subscription text NOT NULL REFERENCES subscription ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT now(),
  -- attempt or gap
  kind text NOT NULL,
  webhook_id text,
  attempt int,
  observations int,
  status int,
  error text,
  duration interval,
  -- Of a gap: what arrived in between may be missing.
  from_time timestamptz,
  to_time timestamptz
);
CREATE INDEX ON delivery (subscription, key);
