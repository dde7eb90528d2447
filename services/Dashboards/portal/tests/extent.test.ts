import { describe, expect, it } from 'vitest';
import { extentOf } from '../src/map/extent.ts';

const town = [8.2, 51.8, 8.5, 52] as const;

describe('what the map shows', () => {
  it('is where the stations are, not the whole municipality', () => {
    expect(extentOf([[8.36, 51.89], [8.4, 51.91], [8.38, 51.9]], town)).toEqual([8.36, 51.89, 8.4, 51.91]);
  });

  it('is not stretched by a station that was placed elsewhere by mistake', () => {
    expect(extentOf([[8.36, 51.89], [8.4, 51.91], [0, 0]], town)).toEqual([8.36, 51.89, 8.4, 51.91]);
  });

  it('is the municipality where there is no station in it', () => {
    expect(extentOf([], town)).toEqual(town);
    expect(extentOf([[0, 0]], town)).toEqual(town);
  });

  it('shows a single station with its surroundings', () => {
    const [west, south, east, north] = extentOf([[8.38, 51.9]], town);
    expect(east - west).toBeCloseTo(0.008, 9);
    expect(north - south).toBeCloseTo(0.008, 9);
  });
});
