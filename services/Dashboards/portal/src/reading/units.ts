/** Writes UCUM units the way people read them, and numbers with a sensible number of digits. */

import type { Language } from '../text.ts';

const written: Record<string, string> = {
  '1': '',
  Cel: '°C',
  '[degF]': '°F',
  K: 'K',
  deg: '°',
  '[ppm]': 'ppm',
  '[ppb]': 'ppb',
  '10*-6': 'ppm',
  '[pH]': 'pH',
  pH: 'pH',
  'dB[A]': 'dB(A)',
  'dB[SPL]': 'dB',
  'B[SPL]': 'B',
  dBm: 'dBm',
  'm[H2O]': 'm WS',
  bar: 'bar',
  Ohm: 'Ω',
  lx: 'lx',
  lm: 'lm',
  L: 'l',
};

/** Units that people read more easily in another size. */
const readable: Record<string, { unit: string; factor: number }> = { Pa: { unit: 'hPa', factor: 0.01 }, 'W.h': { unit: 'kW.h', factor: 0.001 } };

/** The unit to show instead of this one, and what its values are multiplied by. Water stands at centimetres, rain falls in millimetres. */
export function readableUnit(ucum: string, quantity = ''): { unit: string; factor: number } {
  if (ucum === 'mm' && /distance|level|water_column/.test(quantity)) return { unit: 'cm', factor: 0.1 };
  return readable[ucum] ?? { unit: ucum, factor: 1 };
}

/** The unit as people write it: `Cel` → `°C`, `ug/m3` → `µg/m³`, `kW.h` → `kWh`. Annotations (`{persons}`) have no sign. */
export function unitSign(ucum: string): string {
  const known = written[ucum];
  if (known !== undefined) return known;
  const bare = ucum.replace(/\{[^}]*\}/g, '');
  if (bare === '' || bare === '/') return '';
  return bare
    .replace(/^\//, '1/')
    .split('/')
    .map(part => part.split('.').map(term).join(''))
    .join('/');
}

function term(atom: string): string {
  const known = written[atom];
  if (known) return known;
  if (/^\d+$/.test(atom)) return atom;
  const match = /^(.*?)(-?\d+)?$/.exec(atom)!;
  const symbol = written[match[1]!] ?? match[1]!.replace(/^u(?=[a-zA-Z])/, 'µ').replace(/[[\]]/g, '');
  return symbol + superscript(match[2] ?? '');
}

function superscript(exponent: string): string {
  return [...exponent].map(c => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]!)).join('');
}

const formats = new Map<string, Intl.NumberFormat>();

/** A number in the language's writing; digits follow its size, or `digits` where several must agree; `fixed` keeps zeros at the end. */
export function number(value: number, language: Language, digits = digitsFor(value, ''), fixed = false): string {
  const key = `${language}${digits}${fixed}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language === 'de' ? 'de-DE' : 'en-GB', { maximumFractionDigits: digits, minimumFractionDigits: fixed ? digits : 0 });
    formats.set(key, format);
  }
  // No "-0": a minus before nothing looks like a fault.
  return format.format(Number(value.toFixed(digits)) === 0 ? 0 : value).replace('-', '−');
}

/** As many digits as people care for: a tenth of a degree, whole percents, hundredths of a volt. */
function digitsFor(value: number, ucum: string): number {
  const size = Math.abs(value);
  if (ucum === 'Cel') return 1;
  if (ucum === 'V') return 2;
  if (ucum === '%') return size >= 10 ? 0 : 1;
  return size >= 100 ? 0 : size >= 1 ? 1 : 2;
}

/** Number and unit, joined as typography asks: a narrow space, but none before a degree sign of an angle. */
export function quantity(value: number, ucum: string, language: Language, digits?: number): string {
  const sign = unitSign(ucum);
  // Temperatures stand above each other: 8,0 and 8,2.
  const figure = number(value, language, digits ?? digitsFor(value, ucum), digits === undefined && ucum === 'Cel');
  return sign === '' ? figure : sign === '°' ? `${figure}°` : `${figure}\u202f${sign}`;
}
