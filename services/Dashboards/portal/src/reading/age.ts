/** How old a reading is, in words, and whether it is too old to stand for "now". */

import type { Language } from '../text.ts';

export type Freshness = 'fresh' | 'late' | 'stale';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Fresh up to two expected intervals and a minute of grace, stale after four. Without an expected interval a sensor
 * may be silent for an hour before it is late and for six before it is stale.
 */
export function freshness(time: number, now: number, expectedInterval: number | null): Freshness {
  const age = now - time;
  const late = expectedInterval ? 2 * expectedInterval + minute : hour;
  const stale = expectedInterval ? 4 * expectedInterval + minute : 6 * hour;
  return age <= late ? 'fresh' : age <= stale ? 'late' : 'stale';
}

const relative = {
  de: new Intl.RelativeTimeFormat('de', { numeric: 'always' }),
  en: new Intl.RelativeTimeFormat('en', { numeric: 'always' }),
};

/** "vor 4 Minuten", "4 minutes ago"; what is less than a minute old, or slightly ahead of this clock, is "just now". */
export function ageInWords(time: number, now: number, language: Language): string {
  const age = now - time;
  if (age < -5 * minute) return timestamp(time, language);
  if (age < minute) return language === 'de' ? 'gerade eben' : 'just now';
  const words = relative[language];
  if (age < hour) return words.format(-Math.floor(age / minute), 'minute');
  if (age < 2 * day) return words.format(-Math.floor(age / hour), 'hour');
  return words.format(-Math.floor(age / day), 'day');
}

const locale = (language: Language) => (language === 'de' ? 'de-DE' : 'en-GB');

/** Date and time as people write them: `21.11.2026, 14:03`. */
export function timestamp(time: number, language: Language): string {
  return new Date(time).toLocaleString(locale(language), { dateStyle: 'medium', timeStyle: 'short' });
}

/** The time alone: `14:03`. */
export function clock(time: number, language: Language): string {
  return new Date(time).toLocaleTimeString(locale(language), { hour: '2-digit', minute: '2-digit' });
}

/** The date alone. */
export function date(time: number, language: Language): string {
  return new Date(time).toLocaleDateString(locale(language), { dateStyle: 'medium' });
}

/** An interval in milliseconds, from ISO 8601 (`PT10M`) or a number of seconds; null where neither fits. */
export function interval(value: unknown): number | null {
  if (typeof value === 'number') return value > 0 ? value * 1000 : null;
  if (typeof value !== 'string') return null;
  const match = /^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(value);
  if (!match) return /^\d+(\.\d+)?$/.test(value) ? interval(Number(value)) : null;
  const [d, h, m, s] = match.slice(1).map(part => Number(part ?? 0)) as [number, number, number, number];
  return d * day + h * hour + m * minute + s * 1000 || null;
}
