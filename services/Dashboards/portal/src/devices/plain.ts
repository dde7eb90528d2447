/** What is known of a device, in plain words. */

import type { Condition, LastSeen } from '../data/device-registry.ts';
import { ageInWords, clock } from '../reading/age.ts';
import { number } from '../reading/units.ts';
import type { Language } from '../text.ts';
import type { Words } from './words.ts';

/** Seconds as people say them: `10 Minuten`, `2 Stunden`, `1,5 Tage`. */
export function duration(seconds: number, w: Words, language: Language): string {
  const [size, say] = seconds < 60 ? [1, w.seconds] as const : seconds < 3600 ? [60, w.minutes] as const
    : seconds < 48 * 3600 ? [3600, w.hours] as const : [86_400, w.days] as const;
  return say(number(seconds / size, language, size === 1 ? 0 : 1));
}

/** `alle 10 Minuten`, `every 10 minutes`. */
export const everyInWords = (seconds: number, w: Words, language: Language): string => w.every(duration(seconds, w, language));

/** What is wrong, by its numbers. */
export function conditionInWords({ kind, detail }: Condition, w: Words, now: number, language: Language): string {
  switch (kind) {
    case 'silent': {
      const ago = detail.lastSeen ? ageInWords(Date.parse(detail.lastSeen), now, language) : w.never;
      return w.silent(ago, detail.expectedInterval ? everyInWords(detail.expectedInterval, w, language) : null);
    }
    case 'battery-low': return w.battery(detail.battery === undefined ? '–' : percent(detail.battery, language));
    case 'signal-weak': return w.signal(receptionInWords(detail, language));
    case 'frames-lost': return w.lost(detail.lost === undefined ? '?' : number(detail.lost, language, 0));
    case 'restarted': return w.restarted;
    case 'replayed': return w.replayed;
    case 'clock-off': return w.clock(duration(Math.abs(detail.seconds ?? 0), w, language), (detail.seconds ?? 0) > 0);
    default: return w.kinds[kind] ?? kind;
  }
}

/** What to do about it. */
export function adviceOn(kind: string, w: Words): string {
  const advice: Record<string, string> = {
    silent: w.silentDo, 'battery-low': w.batteryDo, 'signal-weak': w.signalDo, 'frames-lost': w.lostDo, restarted: w.restartedDo, replayed: w.replayedDo, 'clock-off': w.clockDo,
  };
  return advice[kind] ?? '';
}

export const percent = (value: number, language: Language): string => `${number(value, language, 0)}\u202f%`;

/** `−121 dBm, SF12`. */
export function receptionInWords({ rssi, spreadingFactor }: { rssi?: number; spreadingFactor?: number }, language: Language): string {
  return [rssi === undefined ? '' : `${number(rssi, language, 0)}\u202fdBm`, spreadingFactor === undefined ? '' : `SF${spreadingFactor}`].filter(Boolean).join(', ');
}

/** How well the last message was received. */
export const receptionOf = ({ rssi }: LastSeen): 'good' | 'fair' | 'weak' | null =>
  rssi === undefined ? null : rssi > -100 ? 'good' : rssi > -115 ? 'fair' : 'weak';

/** `vor 4 Minuten`; what is older than a day also with the time of day would be too much. */
export const heard = (at: string | undefined, w: Words, now: number, language: Language): string =>
  at === undefined ? w.never : ageInWords(Date.parse(at), now, language);

/** `21.11.2026, 14:03`, and of today `heute, 14:03`. */
export function moment(time: string, now: number, language: Language): string {
  const at = Date.parse(time);
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  if (isToday) return language === 'de' ? `heute, ${clock(at, language)}` : `today, ${clock(at, language)}`;
  return new Date(at).toLocaleString(language === 'de' ? 'de-DE' : 'en-GB', { dateStyle: 'medium', timeStyle: 'short' });
}
