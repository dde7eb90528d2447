import { describe, expect, it } from 'vitest';
import { adviceOn, conditionInWords, duration, heard, moment, receptionOf } from '../src/devices/plain.ts';
import { words } from '../src/devices/words.ts';
import { conditionKinds, maintenanceKinds, states } from '../src/data/device-registry.ts';
import { language } from '../src/text.ts';

const now = Date.parse('2026-11-27T12:00:00Z');
const speak = (speaking: 'de' | 'en') => { language.value = speaking; return words.value; };
const told = (kind: string, detail: object, speaking: 'de' | 'en' = 'de') => conditionInWords({ kind, since: '2026-11-27T11:00:00Z', detail }, speak(speaking), now, speaking);

describe('conditions', () => {
  it('are told by their numbers', () => {
    expect(told('silent', { lastSeen: '2026-11-27T09:00:00Z', expectedInterval: 600 })).toBe('Hat sich zuletzt vor 3 Stunden gemeldet; erwartet wird eine Meldung alle 10 Minuten.');
    expect(told('silent', { lastSeen: '2026-11-27T09:00:00Z', expectedInterval: 600 }, 'en')).toBe('Last reported 3 hours ago; it should report every 10 minutes.');
    expect(told('battery-low', { battery: 12.4 })).toBe('Die Batterie hat noch 12\u202f%.');
    expect(told('signal-weak', { rssi: -121, spreadingFactor: 12 })).toContain('(zuletzt −121\u202fdBm, SF12)');
    expect(told('frames-lost', { lost: 1400 })).toContain('1.400 Meldungen');
    expect(told('clock-off', { seconds: 7200 })).toBe('Seine Uhr geht 2 Stunden vor.');
    expect(told('clock-off', { seconds: -90000 })).toBe('Seine Uhr geht 25 Stunden nach.');
  });

  it('have words and advice in both languages', () => {
    for (const speaking of ['de', 'en'] as const) {
      const w = speak(speaking);
      for (const kind of conditionKinds) {
        expect(w.kinds[kind]).toBeTruthy();
        expect(adviceOn(kind, w)).toBeTruthy();
        expect(told(kind, {}, speaking)).toBeTruthy();
      }
      for (const state of states) expect([w.states[state], w.stateHelp[state]]).not.toContain(undefined);
      for (const kind of maintenanceKinds) expect(w.maintenanceKinds[kind]).toBeTruthy();
    }
    expect(told('something-new', {})).toBe('something-new');
  });
});

describe('duration', () => {
  it.each([[1, '1 Sekunde'], [90, '1,5 Minuten'], [600, '10 Minuten'], [3600, '1 Stunde'], [86_400, '24 Stunden'], [7 * 86_400, '7 Tage']])('says %d s as %s', (seconds, said) =>
    expect(duration(seconds, speak('de'), 'de')).toBe(said));
});

describe('times', () => {
  it('are told as people do', () => {
    expect(heard(undefined, speak('de'), now, 'de')).toBe('noch nie');
    expect(heard('2026-11-27T11:56:00Z', speak('de'), now, 'de')).toBe('vor 4 Minuten');
    expect(moment(new Date(now).toISOString(), now, 'de')).toMatch(/^heute, \d\d:00$/);
    expect(moment('2026-11-20T12:00:00Z', now, 'de')).toContain('20.11.2026');
  });
});

describe('receptionOf', () => {
  it('is good, fair or weak', () => {
    const at = '2026-11-27T11:00:00Z';
    expect([-80, -110, -120].map(rssi => receptionOf({ at, rssi }))).toEqual(['good', 'fair', 'weak']);
    expect(receptionOf({ at })).toBeNull();
  });
});
