-- How many days single values and aggregates are kept; null for ever. Aggregates are kept at least as long as what they are of.
ALTER TABLE dataset ADD COLUMN raw_days integer CHECK (raw_days > 0), ADD COLUMN aggregate_days integer CHECK (aggregate_days > 0),
  ADD CONSTRAINT aggregates_outlive_values CHECK (aggregate_days IS NULL OR (raw_days IS NOT NULL AND aggregate_days >= raw_days));
