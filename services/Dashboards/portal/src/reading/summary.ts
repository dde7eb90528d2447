/** What a town measures right now: one line for each quantity, those that people ask for first. */

import type { Datastream, Town, Value } from '../data/model.ts';
import { text, type Language } from '../text.ts';
import { isSound } from './display.ts';
import { quantity as withUnit, unitSign } from './units.ts';
import { countedState, interest, isTechnical, quantityName, truthOf } from './words.ts';

export interface QuantitySummary {
  id: string;
  name: string;
  description: string;
  unit: string;
  streams: number;
  /** Somebody has reported it. */
  known: boolean;
  technical: boolean;
  /** Its values are true or false. */
  truth: boolean;
  /** "8,4 °C", "23 von 60 frei", "SW"; "veraltet" where no reading is recent and sound. */
  current: string;
  /** How `current` came about. */
  explanation: string;
}

export function summarise(town: Town, now: number, language: Language): QuantitySummary[] {
  const streams = byQuantity(town.datastreams.values());
  return [...town.quantities.values()]
    .map(quantity => {
      const all = streams.get(quantity.id) ?? [];
      const sound = all.filter(stream => isSound(stream, now));
      return {
        id: quantity.id,
        name: quantityName(quantity, language),
        description: quantity.description,
        unit: quantity.unit,
        streams: all.length,
        known: all.some(stream => stream.latest !== null && stream.latest.value !== null),
        technical: isTechnical(quantity.id),
        truth: all.some(stream => typeof stream.latest?.value === 'boolean'),
        ...current(quantity.id, quantity.unit, sound.map(stream => stream.latest!.value!), language),
      };
    })
    .filter(summary => summary.known)
    .sort((a, b) => Number(a.technical) - Number(b.technical) || interest(a.id) - interest(b.id) || b.streams - a.streams || a.name.localeCompare(b.name, language));
}

function current(id: string, unit: string, values: Value[], language: Language): { current: string; explanation: string } {
  const truths = values.filter(value => typeof value === 'boolean');
  if (truths.length > 0) {
    const words = truthOf(id, language);
    const counted = countedState(id);
    const count = truths.filter(value => value === counted).length;
    return { current: text.value.share(count, truths.length, counted ? words.yes : words.no), explanation: '' };
  }
  const numbers = values.filter(value => typeof value === 'number').sort((a, b) => a - b);
  if (values.length === 0) return { current: text.value.ages.stale, explanation: '' };
  if (numbers.length === 0) return { current: commonest(values.map(String)), explanation: '' };
  if (unit === 'deg') return { current: text.value.compass[Math.round(meanDirection(numbers) / 45) % 8]!, explanation: '' };
  // Of 14 and 15 people there are not 14.5.
  const counted = unitSign(unit) === '' && numbers.every(Number.isInteger);
  return { current: withUnit(median(numbers), unit, language, counted ? 0 : undefined), explanation: numbers.length > 1 ? text.value.median(numbers.length) : '' };
}

/** The middle of directions in degrees: of 350° and 10° it is north, not south. */
function meanDirection(degrees: number[]): number {
  const sum = (part: (radians: number) => number) => degrees.reduce((total, angle) => total + part((angle * Math.PI) / 180), 0);
  return ((Math.atan2(sum(Math.sin), sum(Math.cos)) * 180) / Math.PI + 360) % 360;
}

function commonest(words: string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

function median(sorted: number[]): number {
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function byQuantity(streams: Iterable<Datastream>): Map<string, Datastream[]> {
  const groups = new Map<string, Datastream[]>();
  for (const stream of streams) {
    const group = groups.get(stream.quantity);
    if (group) group.push(stream);
    else groups.set(stream.quantity, [stream]);
  }
  return groups;
}
