import { describe, expect, it } from 'vitest';
import { Grid, letters } from '../src/map/grid.ts';

const town = new Grid([8.33, 51.87, 8.43, 51.93]);

describe('the grid of the plan', () => {
  it('has squares of a round size, not more than a plan can name', () => {
    expect(town.size).toBe(1000);
    expect(town.columns).toBe(7);
    expect(town.rows).toBe(7);
  });

  it('names squares from the north-west', () => {
    const [west, south, east, north] = town.bounds;
    expect(town.square([west + 1e-6, north - 1e-6])).toBe('A1');
    expect(town.square([east - 1e-6, south + 1e-6])).toBe('G7');
    expect(town.square([west - 1e-6, north])).toBeNull();
  });

  it('covers the bounds', () => {
    const [west, south, east, north] = town.bounds;
    expect(west).toBeLessThanOrEqual(8.33);
    expect(south).toBeLessThanOrEqual(51.87);
    expect(east).toBeGreaterThanOrEqual(8.43);
    expect(north).toBeGreaterThanOrEqual(51.93);
  });

  it('counts on after Z', () => { expect([0, 25, 26, 27].map(letters)).toEqual(['A', 'Z', 'AA', 'AB']); });

  it('tells main lines from fine ones', () => {
    expect(town.lines(4).filter(line => line.main)).toHaveLength(8 + 8);
    expect(town.lines(4)).toHaveLength(29 + 29);
  });
});
