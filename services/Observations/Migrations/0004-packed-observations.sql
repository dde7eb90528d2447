-- Months that are over are packed: observation_row keeps single rows as before, observation_pack many observations in one row, and the view observation
-- shows both under the name that every reader knows. Nothing is copied; the rename needs the table for a moment. If a long download holds it, the migration
-- gives up after five seconds instead of queueing everybody behind itself, and is tried again with the next refresh of the municipalities.
SET LOCAL lock_timeout = '5s';
ALTER TABLE observation RENAME TO observation_row;

-- Observations of one Datastream and one month in order of time; chunks of a Datastream never overlap. What is packed is exactly what comes out: the
-- packer deletes the rows by comparing them with what observation_unpack makes of the chunk.
CREATE TABLE observation_pack (
  datastream bigint NOT NULL,
  -- Time of the first and last, smallest and greatest number: named like the columns of the view, so that one condition serves both.
  chunk_from timestamptz NOT NULL,
  chunk_to timestamptz NOT NULL,
  chunk_min double precision,
  chunk_max double precision,
  n integer NOT NULL,
  feature bigint,
  -- Time i is chunk_from + i * step + tick * (sum of the first i deviations), in microseconds. A deviation stands in t_small, t_low, t_low + 65536 * t_high,
  -- t_int or t_wide, whichever is the narrowest; in none of them if all are 0.
  step bigint NOT NULL,
  tick bigint NOT NULL,
  t_small "char"[],
  t_low smallint[],
  t_high "char"[],
  t_int integer[],
  t_wide bigint[],
  -- resultTime - phenomenonTime in microseconds, null without resultTime; plus what differs from one to the next.
  result_offset bigint,
  result_deviation integer[],
  -- Number i is (base + v) / divisor, with v standing for itself or, if relative, for the sum of the first i; or it is one of reals or doubles.
  -- Truth values are 0 and 1.
  is_boolean boolean NOT NULL,
  relative boolean NOT NULL,
  base bigint NOT NULL,
  divisor double precision NOT NULL,
  v_small "char"[],
  v_low smallint[],
  v_int integer[],
  reals real[],
  doubles double precision[],
  -- Null if all are good.
  qualities smallint[],
  -- The end is there for the index alone: chunks of a Datastream begin at different times.
  PRIMARY KEY (datastream, chunk_from, chunk_to)
-- Readers take chunks in the order of the index and stop when they have enough.
) WITH (parallel_workers = 0);

CREATE FUNCTION observation_unpack(p observation_pack)
RETURNS TABLE ("time" timestamptz, value double precision, result_time timestamptz, json jsonb, quality smallint)
LANGUAGE sql STABLE ROWS 1000 AS $$
  SELECT p.chunk_from + (u.i * p.step + p.tick * (u.t + u.wide)) * interval '1 microsecond',
    CASE WHEN p.is_boolean THEN NULL WHEN u.exact IS NOT NULL THEN u.exact
      ELSE (p.base + CASE WHEN p.relative THEN u.total ELSE u.v END)::double precision / p.divisor END,
    p.chunk_from + (u.i * p.step + p.tick * (u.t + u.wide) + p.result_offset + coalesce(u.result_deviation, 0)) * interval '1 microsecond',
    CASE WHEN NOT p.is_boolean THEN NULL WHEN u.v = 0 THEN 'false'::jsonb ELSE 'true'::jsonb END,
    coalesce(u.quality, 0::smallint)
  FROM (
    SELECT row_number() OVER w - 1 AS i, coalesce(sum(e.t + 65536 * coalesce(e.t_high::integer, 0)) OVER w, 0) AS t,
      -- A month has fewer microseconds than a double has whole numbers.
      coalesce(sum(e.t_wide::double precision) OVER w, 0) AS wide, e.v, sum(e.v) OVER w AS total, e.exact, e.quality, e.result_deviation
    FROM (
      SELECT unnest(coalesce(p.t_int, p.t_low::integer[], p.t_small::integer[])) AS t, unnest(p.t_high) AS t_high, unnest(p.t_wide) AS t_wide,
        unnest(coalesce(p.v_int, p.v_low::integer[], p.v_small::integer[])) AS v, unnest(coalesce(p.doubles, p.reals::double precision[])) AS exact,
        unnest(p.qualities) AS quality, unnest(p.result_deviation) AS result_deviation) e
    WINDOW w AS (ROWS UNBOUNDED PRECEDING)) u
$$;

-- chunk_from to chunk_max say about a chunk what every observation in it fulfils; for a row they are the row's own. Conditions on them reach the index of the chunks.
CREATE VIEW observation AS
  SELECT datastream, time, value, end_time, result_time, json, extra, feature, quality, time AS chunk_from, time AS chunk_to, value AS chunk_min, value AS chunk_max
  FROM observation_row
  UNION ALL
  SELECT p.datastream, u.time, u.value, NULL::timestamptz, u.result_time, u.json, NULL::jsonb, p.feature, u.quality, p.chunk_from, p.chunk_to, p.chunk_min, p.chunk_max
  FROM observation_pack p CROSS JOIN LATERAL observation_unpack(p) u;

-- Datastreams whose month has rows that nobody tried to pack since they came.
CREATE TABLE pack_due (
  datastream bigint NOT NULL,
  month date NOT NULL,
  PRIMARY KEY (month, datastream)
);

-- Months that were over long enough and whose Datastreams were all written into pack_due; what comes later writes itself there.
CREATE TABLE packed_month (
  month date PRIMARY KEY
);
INSERT INTO pack_due SELECT DISTINCT datastream, date_trunc('month', time AT TIME ZONE 'UTC')::date FROM observation_other WHERE time < now();
