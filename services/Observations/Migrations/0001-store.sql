-- Keys are internal; ids are what clients see. An id that is the key itself was made by us.
CREATE SEQUENCE entity_key;

CREATE TABLE dataset (
  id text PRIMARY KEY,
  title text NOT NULL DEFAULT '',
  access text NOT NULL,
  licence text
);

CREATE TABLE thing (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  properties jsonb NOT NULL DEFAULT '{}',
  dataset text NOT NULL,
  access text NOT NULL
);
CREATE INDEX ON thing (dataset);

CREATE TABLE location (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  encoding_type text NOT NULL,
  location jsonb NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}',
  geom geometry
);
CREATE INDEX ON location USING gist (geom);

CREATE TABLE thing_location (
  thing bigint NOT NULL REFERENCES thing ON DELETE CASCADE,
  location bigint NOT NULL REFERENCES location ON DELETE CASCADE,
  PRIMARY KEY (thing, location)
);
CREATE INDEX ON thing_location (location);

CREATE TABLE historical_location (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  thing bigint NOT NULL REFERENCES thing ON DELETE CASCADE,
  time timestamptz NOT NULL
);
CREATE INDEX ON historical_location (thing, time);

CREATE TABLE historical_location_location (
  historical_location bigint NOT NULL REFERENCES historical_location ON DELETE CASCADE,
  location bigint NOT NULL REFERENCES location ON DELETE CASCADE,
  PRIMARY KEY (historical_location, location)
);
CREATE INDEX ON historical_location_location (location);

CREATE TABLE sensor (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  encoding_type text NOT NULL,
  metadata jsonb NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE observed_property (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  name text NOT NULL,
  definition text NOT NULL,
  description text NOT NULL DEFAULT '',
  properties jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE feature (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  encoding_type text NOT NULL,
  feature jsonb NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}',
  geom geometry,
  access text NOT NULL
);
CREATE INDEX ON feature USING gist (geom);

CREATE TABLE datastream (
  key bigint PRIMARY KEY DEFAULT nextval('entity_key'),
  id text NOT NULL UNIQUE DEFAULT currval('entity_key')::text,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  observation_type text NOT NULL,
  unit jsonb NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}',
  range double precision[],
  thing bigint NOT NULL REFERENCES thing ON DELETE CASCADE,
  sensor bigint NOT NULL REFERENCES sensor,
  observed_property bigint NOT NULL REFERENCES observed_property,
  -- what its observations are of, unless they say otherwise
  feature bigint REFERENCES feature,
  dataset text NOT NULL,
  access text NOT NULL
);
CREATE INDEX ON datastream (thing);
CREATE INDEX ON datastream (sensor);
CREATE INDEX ON datastream (observed_property);
CREATE INDEX ON datastream (dataset);

-- One row per Datastream and phenomenonTime: the natural key makes every write idempotent. No foreign key: it would halve the ingest.
CREATE TABLE observation (
  datastream bigint NOT NULL,
  time timestamptz NOT NULL,
  value double precision,
  end_time timestamptz,
  result_time timestamptz,
  json jsonb,
  extra jsonb,
  feature bigint,
  quality smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (datastream, time)
) PARTITION BY RANGE (time);
-- Clocks that are years off end here; months get partitions of their own when their first observation comes.
CREATE TABLE observation_other PARTITION OF observation DEFAULT;

-- The newest observation of each Datastream, how many there are, and since when: counts and latest values without a scan.
CREATE TABLE latest (
  datastream bigint PRIMARY KEY,
  n bigint NOT NULL,
  first_time timestamptz NOT NULL,
  time timestamptz NOT NULL,
  value double precision,
  end_time timestamptz,
  result_time timestamptz,
  json jsonb,
  extra jsonb,
  feature bigint,
  quality smallint NOT NULL
) WITH (fillfactor = 50);

-- How far each partition of the log is stored, in the same transaction as the rows.
CREATE TABLE stored_until (
  partition int PRIMARY KEY,
  major bigint NOT NULL,
  minor bigint NOT NULL
) WITH (fillfactor = 50);
