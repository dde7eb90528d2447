/** Where a series has gaps: a line must not claim what nobody measured. */

/** One bucket: its time (ms), mean, least and greatest value. A null mean breaks the line. */
export interface Point {
  time: number;
  mean: number | null;
  min: number | null;
  max: number | null;
}

/** The typical distance of neighbours (their median), in milliseconds; null for fewer than two points. */
export function typicalInterval(points: readonly Point[]): number | null {
  if (points.length < 2) return null;
  const distances = points.slice(1).map((point, i) => point.time - points[i]!.time).sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)]!;
}

/** Puts a break into every hole wider than three intervals. `interval` as the server knows it, else the points' own. */
export function withGaps(points: readonly Point[], interval: number | null = null): Point[] {
  const usual = Math.max(interval ?? 0, typicalInterval(points) ?? 0);
  if (usual === 0) return [...points];
  const result: Point[] = [];
  for (const point of points) {
    const previous = result.at(-1);
    if (previous && point.time - previous.time > 3 * usual)
      result.push({ time: previous.time + usual, mean: null, min: null, max: null });
    result.push(point);
  }
  return result;
}

/** The holes themselves, from the last value before to the first after, and the silence up to `until`. */
export function gaps(points: readonly Point[], until: number): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  let last: Point | undefined;
  let broken = false;
  for (const point of points) {
    if (point.mean === null) { broken = true; continue; }
    if (broken && last) found.push({ from: last.time, to: point.time });
    broken = false;
    last = point;
  }
  const usual = typicalInterval(points.filter(p => p.mean !== null));
  if (last && usual && until - last.time > 3 * usual) found.push({ from: last.time, to: until });
  return found;
}
