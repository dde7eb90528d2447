-- Who sent something and is not known. Only who is waiting, who is ignored, and (for a moment) who was adopted and whose kept uplinks are still to be taken.
CREATE TABLE unknown_device (
  name          text COLLATE "C" PRIMARY KEY,
  device_id     text,
  door          text NOT NULL,
  first_seen    timestamptz NOT NULL,
  last_seen     timestamptz NOT NULL,
  count         bigint NOT NULL,
  uplinks       jsonb NOT NULL,
  ignored_until timestamptz,
  adopted_by    text COLLATE "C" REFERENCES device ON DELETE CASCADE
);
CREATE INDEX unknown_device_last_seen ON unknown_device (last_seen DESC, name);
COMMENT ON COLUMN unknown_device.name IS 'DevEUI (16 upper-case hexadecimal digits), or the id as it was sent.';
COMMENT ON COLUMN unknown_device.uplinks IS 'The first five; decoded fields as the text that was sent, since the uplink''s id is made from that text.';
