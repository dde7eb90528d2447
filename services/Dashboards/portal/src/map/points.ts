/** What a point on the map says: its colour, its label, and whether its value still stands for "now". */

import type { Datastream, Thing } from '../data/model.ts';
import { freshnessOf, isSound, valueInWords } from '../reading/display.ts';
import {
  categoryColours, categoryScale, colourOf, noColour, otherColour, scaleOf, yesColour, type Scale,
} from '../reading/palettes.ts';
import type { Language } from '../text.ts';

/** How the map is coloured: by dataset, or by the values of one quantity. */
export type Colouring =
  | { by: 'dataset'; colours: Map<string, string> }
  | { by: 'numbers'; quantity: string; unit: string; scale: Extract<Scale, { kind: 'numeric' }> }
  | { by: 'truth'; quantity: string }
  | { by: 'words'; quantity: string; scale: Extract<Scale, { kind: 'category' }> };

/** What the groups of a map say: what their members do, or how many of them have a problem (`figure` 1). */
export type Grouping = Colouring | { by: 'problems' };

export interface PointProperties {
  id: string;
  name: string;
  label: string;
  colour: string;
  faded: boolean;
  /** The value where it counts for a group's colour: a number, or 1 and 0 for true and false. */
  figure?: number;
}

export function colouringByDataset(datasets: readonly string[]): Colouring {
  return { by: 'dataset', colours: new Map(datasets.map((id, i) => [id, categoryColours[i] ?? otherColour])) };
}

/** Chosen once for a quantity and the town as loaded, so that colours do not wander while values arrive. */
export function colouringByQuantity(quantity: string, streams: readonly Datastream[], now: number): Colouring {
  const sound = streams.filter(stream => isSound(stream, now));
  const values = (sound.length > 0 ? sound : streams).map(stream => stream.latest?.value);
  const numbers = values.filter(value => typeof value === 'number');
  const unit = streams[0]?.unit ?? '';
  if (values.some(value => typeof value === 'boolean')) return { by: 'truth', quantity };
  const words = values.filter(value => typeof value === 'string');
  if (words.length > 0) return { by: 'words', quantity, scale: categoryScale(words) };
  return { by: 'numbers', quantity, unit, scale: scaleOf(quantity, unit, numbers) };
}

export function pointOf(thing: Thing, colouring: Colouring, now: number, language: Language): PointProperties | null {
  if (colouring.by === 'dataset') {
    const newest = thing.datastreams.reduce<Datastream | null>(
      (best, stream) => ((stream.latest?.time ?? 0) > (best?.latest?.time ?? 0) ? stream : best), null);
    return {
      id: thing.id, name: thing.name, label: '', colour: colouring.colours.get(thing.dataset) ?? otherColour,
      faded: newest === null || freshnessOf(newest, now) === 'stale',
    };
  }
  const stream = thing.datastreams.find(candidate => candidate.quantity === colouring.quantity);
  // A station that has never measured it has nothing to say about it.
  if (!stream?.latest) return null;
  const { value } = stream.latest;
  const sound = isSound(stream, now);
  const figure = typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : null;
  return {
    id: thing.id,
    name: thing.name,
    label: value === null ? '' : valueInWords(value, stream, language),
    colour: value === null ? otherColour : colourFor(value, colouring),
    faded: !sound,
    ...(sound && figure !== null && { figure }),
  };
}

function colourFor(value: number | boolean | string, colouring: Exclude<Colouring, { by: 'dataset' }>): string {
  switch (colouring.by) {
    case 'numbers': return typeof value === 'number' ? colourOf(colouring.scale, value) : otherColour;
    case 'truth': return value === true ? yesColour : noColour;
    case 'words': return colouring.scale.categories.find(category => category.value === value)?.colour ?? otherColour;
  }
}
