/** A reading as people see it: the value in words, its age, its quality. */

import type { Datastream, Reading, Value } from '../data/model.ts';
import { text, type Language } from '../text.ts';
import { freshness, type Freshness } from './age.ts';
import { quantity } from './units.ts';
import { truthOf } from './words.ts';

export function valueInWords(value: Value | null, stream: Pick<Datastream, 'unit' | 'quantity'>, language: Language, digits?: number): string {
  if (value === null) return '–';
  if (typeof value === 'number') return quantity(value, stream.unit, language, digits);
  if (typeof value === 'boolean') return truthOf(stream.quantity, language)[value ? 'yes' : 'no'];
  return value;
}

/** The faults that a check found, as words; an unknown reason is shown as it came. */
export function reasonsInWords(reading: Reading): string {
  return reading.quality.reasons
    .map(reason => text.value.reasons[reason] ?? reason.replaceAll('_', ' '))
    .join(', ');
}

export const freshnessOf = (stream: Datastream, now: number): Freshness =>
  stream.latest ? freshness(stream.latest.time, now, stream.expectedInterval) : 'stale';

/** Whether a reading may stand for "now": recent, and not found faulty. */
export const isSound = (stream: Datastream, now: number): boolean =>
  stream.latest !== null && stream.latest.value !== null && freshnessOf(stream, now) !== 'stale'
  && (stream.latest.quality.flag === 'good' || stream.latest.quality.flag === 'suspect');
