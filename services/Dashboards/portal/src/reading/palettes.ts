/**
 * Colour scales for values on the map. All ramps are told apart by people with any of the common colour blindnesses
 * (ColorBrewer's marks, viridis, Okabe and Ito), and each runs from light to dark or through a light middle, so that
 * it survives a grey print.
 */

import { unitSign } from './units.ts';

export interface NumericScale {
  kind: 'numeric';
  /** Lower bounds of every class but the first. */
  breaks: number[];
  /** One colour for each class: one more than breaks. */
  colours: string[];
  digits: number;
}

export interface CategoryScale {
  kind: 'category';
  categories: { value: string; colour: string }[];
}

export type Scale = NumericScale | CategoryScale;

const ramps = {
  /** Cold to warm: RdYlBu, reversed. */
  temperature: ['#313695', '#4575b4', '#74add1', '#abd9e9', '#fee090', '#fdae61', '#f46d43', '#a50026'],
  /** Dry to wet: YlGnBu. */
  water: ['#edf8b1', '#c7e9b4', '#7fcdbb', '#41b6c4', '#1d91c0', '#225ea8', '#253494', '#081d58'],
  /** Little to much of what nobody wants: YlOrRd without its last, near to black. */
  load: ['#ffeda0', '#fed976', '#feb24c', '#fd8d3c', '#fc4e2a', '#e31a1c', '#bd0026', '#800026'],
  /** Everything else: viridis, light first. */
  plain: ['#fde725', '#a0da39', '#4ac16d', '#1fa187', '#277f8e', '#365c8d', '#46327e', '#440154'],
} as const;

/** Which ramp fits a quantity, by its unit and id. */
export function rampOf(quantity: string, ucum: string): keyof typeof ramps {
  if (ucum === 'Cel' || ucum === 'K' || ucum === '[degF]') return 'temperature';
  if (/moist|humid|water(?!.*(temp|pulse|press))|level|rain|precip|flood|wet|discharge/i.test(quantity) && !/batter/i.test(quantity)) return 'water';
  if (/pm_?\d|particl|nitrogen|no2|ozone|co2|carbon|organic_compounds|noise|sound/i.test(quantity)) return 'load';
  return 'plain';
}

/** Okabe and Ito's colours, and as many more as towns have datasets, for things that have no order. */
export const categoryColours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8a8300', '#6a51a3', '#117733', '#882255', '#44aa99', '#aa4499', '#a5651f', '#3c5a99'];
export const otherColour = '#7a7f87';
export const yesColour = '#d55e00';
export const noColour = '#0072b2';
/** A group of both. */
export const mixedColour = '#c9ccd0';

/** Bounds that people know, where there are some: the German Environment Agency's for the air outside and for carbon dioxide in rooms. */
const knownBounds: { quantity: RegExp; unit: string; breaks: number[] }[] = [
  { quantity: /pm10_/, unit: 'ug/m3', breaks: [20, 35, 50, 100] },
  { quantity: /pm2p5_/, unit: 'ug/m3', breaks: [10, 20, 25, 50] },
  { quantity: /nitrogen_dioxide/, unit: 'ug/m3', breaks: [20, 40, 100, 200] },
  { quantity: /ozone/, unit: 'ug/m3', breaks: [60, 120, 180, 240] },
  { quantity: /carbon_dioxide/, unit: '[ppm]', breaks: [600, 800, 1000, 2000] },
];

/** The scale of a quantity: by bounds that people know, so that clean air never looks alarming; else by its values. */
export function scaleOf(quantity: string, unit: string, values: readonly number[]): NumericScale {
  const ramp = rampOf(quantity, unit);
  const known = knownBounds.find(candidate => candidate.quantity.test(quantity) && unitSign(candidate.unit) === unitSign(unit));
  return known ? { kind: 'numeric', breaks: known.breaks, colours: spread(known.breaks.length + 1, ramp), digits: 0 } : numericScale(values, ramp);
}

/** As many of the ramp's colours, from end to end. */
const spread = (classes: number, ramp: keyof typeof ramps): string[] =>
  Array.from({ length: classes }, (_, i) => ramps[ramp][Math.round((i * (ramps[ramp].length - 1)) / (classes - 1))]!);

/** Round class bounds that cover the bulk of the values; a few extremes do not stretch the scale. */
export function numericScale(values: readonly number[], ramp: keyof typeof ramps): NumericScale {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return { kind: 'numeric', breaks: [], colours: [ramps[ramp][3]], digits: 0 };
  const low = at(sorted, 0.02);
  const high = at(sorted, 0.98);
  const step = niceStep((high - low) / 6 || Math.max(Math.abs(high) / 20, 0.1));
  const breaks: number[] = [];
  for (let bound = Math.ceil((low + step / 8) / step) * step; bound < high - step / 4 && breaks.length < 7; bound += step)
    breaks.push(Number(bound.toPrecision(12)));
  if (breaks.length === 0) breaks.push(Number((Math.round(high / step) * step).toPrecision(12)));
  const classes = breaks.length + 1;
  const colours = ramp === 'temperature' && step === 5
    ? Array.from({ length: classes }, (_, i) => ramps.temperature[felt(breaks[0]! + (i - 1) * step)]!)
    : spread(classes, ramp);
  return { kind: 'numeric', breaks, colours, digits: Math.max(0, -Math.floor(Math.log10(step))) };
}

/** Five degrees have the same colour every day, so that 4 °C does not look like frost nor a class room like a heat wave: the ramp runs from −10 to 30 °C. */
const felt = (from: number): number => Math.min(Math.max(from / 5 + 2, 0), 7);

/** The ramp's colours, from low to high. */
export const rampColours = (ramp: keyof typeof ramps): readonly string[] => ramps[ramp];

export function colourOf(scale: NumericScale, value: number): string {
  const index = scale.breaks.findIndex(bound => value < bound);
  return scale.colours[index === -1 ? scale.colours.length - 1 : index]!;
}

/** Categories by frequency; what comes after the palette's end shares one grey. */
export function categoryScale(values: readonly string[]): CategoryScale {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return {
    kind: 'category',
    categories: [...counts.keys()]
      .sort((a, b) => counts.get(b)! - counts.get(a)! || a.localeCompare(b))
      .map((value, i) => ({ value, colour: categoryColours[i] ?? otherColour })),
  };
}

/** 1, 2 or 5 times a power of ten, the nearest above. */
export function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const fraction = raw / power;
  return (fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 5 ? 5 : 10) * power;
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))]!;
}

/** WCAG 2 contrast of two colours written `#rrggbb`. */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map(i => {
    const channel = parseInt(hex.slice(i, i + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever reads better on the colour. */
export const inkOn = (colour: string): string => (contrast(colour, '#ffffff') >= contrast(colour, '#16191d') ? '#ffffff' : '#16191d');
