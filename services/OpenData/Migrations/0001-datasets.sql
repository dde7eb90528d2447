-- What Catalog said of each dataset, as of its newest event dataset.changed.
CREATE TABLE dataset (
  id text PRIMARY KEY,
  title text NOT NULL,
  access text NOT NULL,
  licence text,
  as_of timestamptz NOT NULL
);
