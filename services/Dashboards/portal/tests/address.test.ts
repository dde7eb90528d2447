import { describe, expect, it } from 'vitest';
import { readAddress, start, writeAddress } from '../src/address.ts';

describe('the address', () => {
  it('is empty at the start', () => {
    expect(writeAddress(start)).toBe('');
    expect(readAddress('')).toEqual(start);
  });

  it('reads back what it writes', () => {
    const address = { ...start, view: 'list', thing: 'pegel-1', quantity: 'water_level', search: 'Brücke & Wehr', period: '7d' } as const;
    expect(readAddress(writeAddress(address))).toEqual(address);
  });

  it('falls back where a value makes no sense', () => {
    expect(readAddress('#view=moon&period=1y&thing=')).toEqual(start);
  });
});
