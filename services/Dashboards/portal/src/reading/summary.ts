/** What a town measures right now: one line for each quantity. */

import type { Datastream, Town, Value } from '../data/model.ts';
import { text, type Language } from '../text.ts';
import { isSound } from './display.ts';
import { quantity as withUnit } from './units.ts';
import { countedState, isTechnical, quantityName, truthOf } from './words.ts';

export interface QuantitySummary {
  id: string;
  name: string;
  description: string;
  unit: string;
  streams: number;
  technical: boolean;
  /** Its values are true or false. */
  truth: boolean;
  /** "8,4 °C", "23 von 60 frei"; empty where no reading is recent and sound, or none can stand for many. */
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
        name: quantityName(quantity.id, quantity.name, language),
        description: quantity.description,
        unit: quantity.unit,
        streams: all.length,
        technical: isTechnical(quantity.id),
        truth: all.some(stream => typeof stream.latest?.value === 'boolean'),
        ...current(quantity.id, quantity.unit, sound.map(stream => stream.latest!.value!), language),
      };
    })
    .sort((a, b) => Number(a.technical) - Number(b.technical) || a.name.localeCompare(b.name, language));
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
  // The mean of directions is no direction.
  if (numbers.length === 0 || unit === 'deg') return { current: '', explanation: '' };
  return { current: withUnit(median(numbers), unit, language), explanation: numbers.length > 1 ? text.value.median(numbers.length) : '' };
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
