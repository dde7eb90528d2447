-- A MultiDatastream is a datastream with several results at once: it shares keys, ids, rights, latest value and observations with the others. What tells it
-- apart is multi_types, its multiObservationDataTypes; unit is then an array, and its ObservedProperties stand in a table of their own, in order.
ALTER TABLE datastream
  ADD COLUMN multi_types jsonb,
  ALTER COLUMN observed_property DROP NOT NULL,
  ADD CHECK ((multi_types IS NULL) = (observed_property IS NOT NULL));
CREATE INDEX datastream_multi ON datastream (key) WHERE multi_types IS NOT NULL;

CREATE TABLE multi_datastream_observed_property (
  datastream bigint NOT NULL REFERENCES datastream ON DELETE CASCADE,
  place int NOT NULL,
  observed_property bigint NOT NULL REFERENCES observed_property,
  PRIMARY KEY (datastream, place)
);
CREATE INDEX ON multi_datastream_observed_property (observed_property);
