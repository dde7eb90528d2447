-- What charts of months and years read: plausible numbers (quality & 3 = 0) of each Datastream by hour and day of UTC. Truth values count as 1 and 0.
CREATE TABLE aggregate_hour (
  datastream bigint NOT NULL,
  start timestamptz NOT NULL,
  last_time timestamptz NOT NULL,
  n integer NOT NULL,
  sum double precision NOT NULL,
  min double precision NOT NULL,
  max double precision NOT NULL,
  first_value double precision NOT NULL,
  last_value double precision NOT NULL,
  -- How far a counter went on from the first to the last value; where it is less than before it began again at 0.
  increase double precision NOT NULL,
  -- Sums of sine and cosine of a direction in degrees; null for what is none.
  sine double precision,
  cosine double precision,
  PRIMARY KEY (datastream, start)
) WITH (fillfactor = 80);

CREATE TABLE aggregate_day (LIKE aggregate_hour INCLUDING ALL) WITH (fillfactor = 80);

-- Hours that somebody wrote into since they were computed. Who writes only adds here, in the transaction of his rows, and nobody waits for anybody; a mark that is
-- seen belongs to rows that are seen.
CREATE TABLE aggregate_dirty (
  datastream bigint NOT NULL,
  start timestamptz NOT NULL,
  hours integer NOT NULL
) WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 1000000);

-- Since when a Datastream's single values are all there: what is older was deleted as its dataset's retention says, and its aggregates stay what they are.
CREATE TABLE raw_from (
  datastream bigint PRIMARY KEY,
  time timestamptz NOT NULL
);

-- Of what there is already, everything is to be computed.
INSERT INTO aggregate_dirty
SELECT datastream, date_trunc('hour', first_time, 'UTC'), ceil(extract(epoch FROM time - date_trunc('hour', first_time, 'UTC')) / 3600)::integer + 1 FROM latest
WHERE first_time > '1900-01-01' AND time < '2200-01-01';

CREATE FUNCTION is_circular(key bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM datastream d JOIN observed_property p ON p.key = d.observed_property
    WHERE d.key = $1 AND (d.unit ->> 'symbol' IN ('deg', '°') OR p.id ~* 'direction$'))
$$;

-- How far a counter goes on from one value to the next.
CREATE FUNCTION counted(before double precision, after double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN before IS NULL THEN 0 WHEN after >= before THEN after - before ELSE after END
$$;

-- Aggregates of single values of a Datastream by steps that begin at origin.
CREATE FUNCTION aggregate_of(key bigint, begin timestamptz, finish timestamptz, step interval, origin timestamptz)
RETURNS TABLE (start timestamptz, last_time timestamptz, n integer, sum double precision, min double precision, max double precision,
  first_value double precision, last_value double precision, increase double precision, sine double precision, cosine double precision)
LANGUAGE sql STABLE AS $$
  SELECT b.start, max(b.time), count(*)::integer, sum(b.number), min(b.number), max(b.number),
    max(b.number) FILTER (WHERE b.place = 1), max(b.number) FILTER (WHERE b.next IS NULL), sum(counted(b.before, b.number)),
    CASE WHEN c.circular THEN sum(sind(b.number)) END, CASE WHEN c.circular THEN sum(cosd(b.number)) END
  FROM (
    SELECT date_bin(step, o.time, origin) AS start, o.time, o.number, row_number() OVER w AS place, lag(o.number) OVER w AS before, lead(o.time) OVER w AS next
    FROM (
      SELECT r.time, coalesce(r.value, CASE r.json WHEN 'true'::jsonb THEN 1.0 WHEN 'false'::jsonb THEN 0.0 END) AS number FROM observation r
      WHERE r.datastream = key AND r.time >= begin AND r.time < finish AND r.chunk_to >= begin AND r.chunk_from < finish AND r.quality & 3 = 0) o
    WHERE o.number > '-Infinity' AND o.number < 'Infinity'
    WINDOW w AS (PARTITION BY date_bin(step, o.time, origin) ORDER BY o.time)) b
  CROSS JOIN (SELECT is_circular(key) AS circular OFFSET 0) c
  GROUP BY b.start, c.circular
$$;
