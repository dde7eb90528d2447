-- What a correction or deletion took the place of; kept as long as the single values of its Datastream.
CREATE TABLE observation_audit (
  datastream bigint NOT NULL,
  time timestamptz NOT NULL,
  value double precision,
  end_time timestamptz,
  result_time timestamptz,
  json jsonb,
  extra jsonb,
  feature bigint,
  quality smallint NOT NULL,
  replaced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  replaced_by text NOT NULL CHECK (replaced_by IN ('correction', 'deletion'))
);
CREATE INDEX ON observation_audit (datastream, time, replaced_at);

-- How many days a dataset's single values and aggregates are kept; null for ever. As Catalog says.
ALTER TABLE dataset ADD COLUMN raw_days integer, ADD COLUMN aggregate_days integer;
