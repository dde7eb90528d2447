import { describe, expect, it } from 'vitest';
import { ageInWords, freshness, interval } from '../src/reading/age.ts';

const minute = 60_000;
const now = Date.UTC(2026, 10, 21, 12);

describe('ages in words', () => {
  it.each([
    [10_000, 'gerade eben', 'just now'],
    [minute, 'vor 1 Minute', '1 minute ago'],
    [4.9 * minute, 'vor 4 Minuten', '4 minutes ago'],
    [90 * minute, 'vor 1 Stunde', '1 hour ago'],
    [47 * 60 * minute, 'vor 47 Stunden', '47 hours ago'],
    [72 * 60 * minute, 'vor 3 Tagen', '3 days ago'],
  ])('tells %d ms', (age, german, english) => {
    expect(ageInWords(now - age, now, 'de')).toBe(german);
    expect(ageInWords(now - age, now, 'en')).toBe(english);
  });

  it('takes a clock slightly ahead for now, and tells the time of one far ahead', () => {
    expect(ageInWords(now + minute, now, 'de')).toBe('gerade eben');
    expect(ageInWords(now + 60 * minute, now, 'de')).toMatch(/2026/);
  });
});

describe('freshness', () => {
  it('follows the expected interval', () => {
    const every10 = 10 * minute;
    expect(freshness(now - 20 * minute, now, every10)).toBe('fresh');
    expect(freshness(now - 22 * minute, now, every10)).toBe('late');
    expect(freshness(now - 42 * minute, now, every10)).toBe('stale');
  });

  it('is patient where no interval is known', () => {
    expect(freshness(now - 59 * minute, now, null)).toBe('fresh');
    expect(freshness(now - 61 * minute, now, null)).toBe('late');
    expect(freshness(now - 361 * minute, now, null)).toBe('stale');
  });
});

describe('intervals', () => {
  it.each([['PT10M', 600_000], ['PT1H30M', 5_400_000], ['P1D', 86_400_000], [600, 600_000], ['600', 600_000], ['PT', null], ['often', null], [0, null], [undefined, null]])(
    'reads %s', (given, milliseconds) => { expect(interval(given)).toBe(milliseconds); });
});
