/** The history of a Datastream, in as many buckets as a chart can show. */

import { interval } from '../reading/age.ts';
import type { Point } from '../reading/gaps.ts';
import { getJson, path } from './http.ts';
import type { Datastream } from './model.ts';

export interface Series {
  points: Point[];
  /** Distance of two points as the server means it: its buckets' width or the readings' own interval, in milliseconds. */
  interval: number | null;
}

interface SeriesAnswer {
  step: string | null;
  interval?: number | null;
  points: [time: string, mean: number | boolean | null, min?: number | boolean | null, max?: number | boolean | null, count?: number][];
}

export async function loadSeries(
  { id, factor }: Datastream, from: number, to: number, points: number, signal: AbortSignal): Promise<Series> {
  const figure = (value: number | boolean | null | undefined): number | null =>
    typeof value === 'number' ? value * factor : typeof value === 'boolean' ? Number(value) : null;
  const query = new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), points: String(points) });
  const answer = await getJson<SeriesAnswer>(path(`series/${encodeURIComponent(id)}?${query}`), signal);
  const widest = Math.max(interval(answer.step) ?? 0, interval(answer.interval) ?? 0);
  return {
    interval: widest || null,
    points: answer.points.map(([time, mean, min, max]) => ({
      time: Date.parse(time),
      mean: figure(mean),
      min: figure(min ?? mean),
      max: figure(max ?? mean),
    })),
  };
}
