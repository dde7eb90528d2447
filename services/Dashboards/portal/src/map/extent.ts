/** What the map shows of a town: its stations, not the empty land around them. */

import type { Bounds, Position } from './grid.ts';

/** Half the least width and height, in degrees: a single station is shown with its streets around it, not with its doorstep. */
const least = 0.004;

/**
 * The bounds around the stations that lie within the municipality's own; one that somebody placed elsewhere by mistake does not stretch the
 * map. Without any, the municipality's.
 */
export function extentOf(positions: readonly Position[], municipality: Bounds): Bounds {
  const [west, south, east, north] = municipality;
  const inside = positions.filter(([longitude, latitude]) => longitude >= west && longitude <= east && latitude >= south && latitude <= north);
  if (inside.length === 0) return municipality;
  const [w, e] = span(inside.map(([longitude]) => longitude));
  const [s, n] = span(inside.map(([, latitude]) => latitude));
  return [w, s, e, n];
}

function span(values: number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const missing = Math.max(0, least - (high - low) / 2);
  return [low - missing, high + missing];
}
