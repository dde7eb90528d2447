CREATE TABLE uplink_mapping (
  id         text COLLATE "C" PRIMARY KEY,
  mapping    json NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN uplink_mapping.mapping IS 'As it was written, with its fields in their order.';
