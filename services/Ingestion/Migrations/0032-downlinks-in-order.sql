-- Ids of one millisecond have no order, and clocks of two instances differ: what opens would overtake what closes.
ALTER TABLE downlink ADD COLUMN place bigint;
UPDATE downlink d SET place = n.place FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM downlink) n WHERE n.id = d.id;
ALTER TABLE downlink ALTER COLUMN place SET NOT NULL, ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('downlink', 'place'), coalesce(max(place), 0) + 1, false) FROM downlink;
COMMENT ON COLUMN downlink.place IS 'The order in which they were queued; right within a device.';
CREATE INDEX downlink_of_device ON downlink (device, place DESC);
DROP INDEX downlink_device;
