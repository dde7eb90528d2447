-- OGC 17-079r1 (SensorThings Part 2): what devices can be told to do, and what they were told.
CREATE TABLE actuator (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  quoted boolean NOT NULL DEFAULT false,
  managed boolean NOT NULL DEFAULT false,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  encoding_type text NOT NULL,
  metadata jsonb NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}',
  -- As of a sensor: NULL is seen through what uses it alone.
  dataset text,
  access text
);
CREATE INDEX ON actuator (dataset) WHERE dataset IS NOT NULL;

-- Seen by whoever sees its Thing.
CREATE TABLE tasking_capability (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  quoted boolean NOT NULL DEFAULT false,
  managed boolean NOT NULL DEFAULT false,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  properties jsonb NOT NULL DEFAULT '{}',
  parameters jsonb NOT NULL,
  thing bigint NOT NULL REFERENCES thing ON DELETE CASCADE,
  actuator bigint NOT NULL REFERENCES actuator
);
CREATE INDEX ON tasking_capability (thing);
CREATE INDEX ON tasking_capability (actuator);

CREATE TABLE task (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  quoted boolean NOT NULL DEFAULT false,
  managed boolean NOT NULL DEFAULT false,
  parameters jsonb NOT NULL,
  created timestamptz NOT NULL DEFAULT now(),
  capability bigint NOT NULL REFERENCES tasking_capability ON DELETE CASCADE,
  -- Its command, and the downlink that Ingestion makes of it, have this id.
  command uuid NOT NULL UNIQUE,
  device text NOT NULL,
  -- What has become of it, as clients see it; what Ingestion told last, so that nothing older comes over it.
  status jsonb NOT NULL,
  told bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE INDEX ON task (capability);

-- Commands on their way to topic commands: written with their Tasks, gone when the log has them.
CREATE TABLE command_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device text NOT NULL,
  command text NOT NULL
);
