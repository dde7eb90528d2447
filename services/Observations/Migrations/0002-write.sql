-- What clients write (OGC 18-088 section 10). quoted: the id is digits alone, but the client gave it as text. managed: belongs to a registered device, whose
-- id and links are the registry's; all that is here now came from there.
ALTER TABLE thing ADD COLUMN quoted boolean NOT NULL DEFAULT false, ADD COLUMN managed boolean NOT NULL DEFAULT true;
ALTER TABLE location ADD COLUMN quoted boolean NOT NULL DEFAULT false, ADD COLUMN managed boolean NOT NULL DEFAULT true;
ALTER TABLE historical_location ADD COLUMN quoted boolean NOT NULL DEFAULT false, ADD COLUMN managed boolean NOT NULL DEFAULT true;
ALTER TABLE sensor ADD COLUMN quoted boolean NOT NULL DEFAULT false, ADD COLUMN managed boolean NOT NULL DEFAULT true;
ALTER TABLE observed_property ADD COLUMN quoted boolean NOT NULL DEFAULT false, ADD COLUMN managed boolean NOT NULL DEFAULT true;
ALTER TABLE feature ADD COLUMN quoted boolean NOT NULL DEFAULT false, ADD COLUMN managed boolean NOT NULL DEFAULT true;
ALTER TABLE datastream ADD COLUMN quoted boolean NOT NULL DEFAULT false, ADD COLUMN managed boolean NOT NULL DEFAULT true;
ALTER TABLE thing ALTER COLUMN managed SET DEFAULT false;
ALTER TABLE location ALTER COLUMN managed SET DEFAULT false;
ALTER TABLE historical_location ALTER COLUMN managed SET DEFAULT false;
ALTER TABLE sensor ALTER COLUMN managed SET DEFAULT false;
ALTER TABLE observed_property ALTER COLUMN managed SET DEFAULT false;
ALTER TABLE feature ALTER COLUMN managed SET DEFAULT false;
ALTER TABLE datastream ALTER COLUMN managed SET DEFAULT false;

-- What a client made is seen by whoever may read its own dataset, also while nothing uses it yet. NULL: seen through what uses it alone.
ALTER TABLE location ADD COLUMN dataset text, ADD COLUMN access text;
ALTER TABLE sensor ADD COLUMN dataset text, ADD COLUMN access text;
ALTER TABLE observed_property ADD COLUMN dataset text, ADD COLUMN access text;
ALTER TABLE feature ADD COLUMN dataset text;
CREATE INDEX ON location (dataset) WHERE dataset IS NOT NULL;
CREATE INDEX ON sensor (dataset) WHERE dataset IS NOT NULL;
CREATE INDEX ON observed_property (dataset) WHERE dataset IS NOT NULL;
CREATE INDEX ON feature (dataset) WHERE dataset IS NOT NULL;

-- A client has brought it into being and Catalog has not answered yet; it is told until it does.
ALTER TABLE dataset ADD COLUMN needed boolean NOT NULL DEFAULT false;
CREATE INDEX ON dataset (id) WHERE needed;
