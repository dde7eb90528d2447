CREATE TABLE dataset (
  id text PRIMARY KEY,
  title text NOT NULL,
  -- NULL: nobody has written one; it is derived from what the Things measure.
  description text,
  keywords text[],
  access text NOT NULL CHECK (access IN ('open', 'internal', 'restricted', 'personal')),
  licence text,
  -- What the Things say together; kept with each change of one, read with every list.
  things integer NOT NULL DEFAULT 0,
  properties jsonb NOT NULL DEFAULT '[]',
  profiles text[] NOT NULL DEFAULT '{}',
  bbox double precision[],
  issued timestamptz NOT NULL DEFAULT now(),
  modified timestamptz NOT NULL DEFAULT now(),
  -- Counts changes of the terms; the event dataset.changed is due while announced is behind.
  revision bigint NOT NULL DEFAULT 1,
  announced bigint NOT NULL DEFAULT 0,
  CONSTRAINT open_needs_licence CHECK (access <> 'open' OR licence IS NOT NULL)
);
CREATE INDEX dataset_due ON dataset (id) WHERE announced < revision;

CREATE TABLE thing (
  id text PRIMARY KEY,
  dataset text NOT NULL REFERENCES dataset,
  profile text NOT NULL,
  longitude double precision,
  latitude double precision,
  -- [{"id": "water_level", "name": "Abstand", "unit": "mm"}]
  properties jsonb NOT NULL,
  -- Time of the event that this is known from; an older event that comes late changes nothing.
  as_of timestamptz NOT NULL,
  removed boolean NOT NULL DEFAULT false
);
CREATE INDEX ON thing (dataset) WHERE NOT removed;
