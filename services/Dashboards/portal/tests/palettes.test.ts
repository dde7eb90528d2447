import { describe, expect, it } from 'vitest';
import { categoryColours, colourOf, contrast, inkOn, mixedColour, niceStep, noColour, numericScale, rampColours, rampOf, scaleOf, yesColour } from '../src/reading/palettes.ts';

describe('numeric scales', () => {
  it('has round bounds and one colour more than bounds', () => {
    const scale = numericScale(Array.from({ length: 101 }, (_, i) => i / 5), 'temperature');
    expect(scale.breaks).toEqual([5, 10, 15]);
    expect(scale.colours).toHaveLength(4);
    expect(new Set(scale.colours).size).toBe(4);
  });

  it('is not stretched by one broken sensor', () => {
    const scale = numericScale([...Array.from({ length: 100 }, (_, i) => 8 + i / 50), 9999], 'temperature');
    expect(Math.max(...scale.breaks)).toBeLessThan(11);
  });

  it('copes with equal values, one value and none', () => {
    expect(numericScale([7, 7, 7], 'plain').colours.length).toBeGreaterThan(1);
    expect(numericScale([0], 'plain').breaks.every(Number.isFinite)).toBe(true);
    expect(numericScale([], 'plain').breaks).toEqual([]);
  });

  it('puts a bound itself into the upper class, and what lies outside into the outer ones', () => {
    const scale = { kind: 'numeric' as const, breaks: [10, 20], colours: ['a', 'b', 'c'], digits: 0 };
    expect([9.99, 10, 20, -500, 500].map(value => colourOf(scale, value))).toEqual(['a', 'b', 'c', 'a', 'c']);
  });

  it.each([[0.13, 0.2], [1, 1], [3, 5], [70, 100]])('rounds a step of %d up to %d', (raw, nice) => { expect(niceStep(raw)).toBeCloseTo(nice, 9); });

  it('colours clean air alike, however little it differs', () => {
    const scale = scaleOf('mass_concentration_of_pm10_ambient_aerosol_particles_in_air', 'ug/m3', [9, 10, 11, 12]);
    expect(new Set([9, 12, 19.9].map(value => colourOf(scale, value))).size).toBe(1);
    expect(colourOf(scale, 60)).not.toBe(colourOf(scale, 12));
  });

  it('gives five degrees the same colour whatever else is measured', () => {
    const [winter, summer] = [[-4, 0, 4, 8, 12, 21], [4, 8, 12, 21, 24, 29]].map(values => scaleOf('air_temperature', 'Cel', values));
    expect(colourOf(winter!, 12)).toBe(colourOf(summer!, 12));
    expect(colourOf(winter!, 21)).not.toBe(colourOf(winter!, 12));
  });

  it('chooses a ramp by unit and meaning', () => {
    expect(rampOf('air_temperature', 'Cel')).toBe('temperature');
    expect(rampOf('soil_moisture', '%')).toBe('water');
    expect(rampOf('battery_level', '%')).toBe('plain');
    expect(rampOf('mass_concentration_of_pm10_ambient_aerosol_particles_in_air', 'ug/m3')).toBe('load');
    expect(rampOf('water_temperature', 'Cel')).toBe('temperature');
  });
});

describe('ink', () => {
  const all = [...categoryColours, yesColour, noColour, mixedColour, ...(['temperature', 'water', 'load', 'plain'] as const).flatMap(rampColours)];

  it('knows the contrast of black and white', () => { expect(contrast('#ffffff', '#000000')).toBeCloseTo(21, 5); });

  it.each(all)('reads on %s', colour => { expect(contrast(colour, inkOn(colour))).toBeGreaterThanOrEqual(4); });
});
