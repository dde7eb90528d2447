import { describe, expect, it } from 'vitest';
import type { Town, Value } from '../src/data/model.ts';
import { addThing } from '../src/data/sensorthings.ts';
import { summarise } from '../src/reading/summary.ts';
import { quantityName, valueName } from '../src/reading/words.ts';

const now = Date.UTC(2026, 10, 21, 12);

/** A town whose stations have each measured one quantity, `minutesAgo` at the latest. */
function townOf(readings: { quantity: string; unit?: string; value: Value | null; minutesAgo?: number; nameEn?: string }[]): Town {
  const town: Town = { things: new Map(), datastreams: new Map(), quantities: new Map() };
  readings.forEach(({ quantity, unit = '', value, minutesAgo = 5, nameEn }, i) => addThing(town, {
    '@iot.id': `s${i}`, name: `Station ${i}`,
    Datastreams: [{
      '@iot.id': `s${i}.value`, name: `${quantity} (de)`, unitOfMeasurement: { symbol: unit }, properties: { ...(nameEn && { nameEn }) },
      ObservedProperty: { '@iot.id': quantity, name: `${quantity} (de)`, properties: { ...(nameEn && { nameEn }) } },
      Observations: value === null ? [] : [{ phenomenonTime: new Date(now - minutesAgo * 60_000).toISOString(), result: value }],
    }],
  }));
  return town;
}

const ids = (town: Town) => summarise(town, now, 'de').map(summary => summary.id);

describe('the list of quantities', () => {
  it('begins with what people ask for, then with what many stations have, and ends with the technical ones', () => {
    const town = townOf([
      { quantity: 'battery_voltage', value: 3.6 }, { quantity: 'battery_voltage', value: 3.5 }, { quantity: 'zebra', value: 1 },
      { quantity: 'yak', value: 1 }, { quantity: 'yak', value: 2 }, { quantity: 'parking_occupied', value: true }, { quantity: 'air_temperature', unit: 'Cel', value: 4 },
    ]);
    expect(ids(town)).toEqual(['air_temperature', 'parking_occupied', 'yak', 'zebra', 'battery_voltage']);
    expect(summarise(town, now, 'de').filter(summary => summary.technical).map(summary => summary.id)).toEqual(['battery_voltage']);
  });

  it('leaves out what nobody has reported, and says of the rest when it is out of date', () => {
    const town = townOf([{ quantity: 'yak', value: null }, { quantity: 'zebra', value: 1, minutesAgo: 3000 }]);
    expect(summarise(town, now, 'de')).toMatchObject([{ id: 'zebra', current: 'veraltet' }]);
  });

  it.each([[[350, 20], 'N'], [[80, 100], 'O'], [[225], 'SW']])('tells the middle of the directions %j as %s', (degrees, compass) => {
    const town = townOf(degrees.map(value => ({ quantity: 'wind_from_direction', unit: 'deg', value })));
    expect(summarise(town, now, 'de')[0]!.current).toBe(compass);
  });

  it('does not cut people in half', () => {
    const town = townOf([{ quantity: 'pedestrian_count', unit: '1', value: 14 }, { quantity: 'pedestrian_count', unit: '1', value: 15 }]);
    expect(summarise(town, now, 'de')[0]!.current).toBe('15');
  });

  it('tells the level of water in centimetres, and rain in millimetres', () => {
    const town = townOf([{ quantity: 'water_level', unit: 'mm', value: 511 }, { quantity: 'precipitation_amount', unit: 'mm', value: 0.5 }]);
    expect(summarise(town, now, 'de').map(summary => summary.current)).toEqual(['51,1\u202fcm', '0,5\u202fmm']);
  });
});

describe('names in English', () => {
  it('come from the town where it gave some, and stay German where nobody knows better', () => {
    const town = townOf([{ quantity: 'yak', value: 1, nameEn: 'Yaks' }, { quantity: 'zebra', value: 1 }]);
    expect(summarise(town, now, 'en').map(summary => summary.name)).toEqual(['Yaks', 'zebra (de)']);
    expect(summarise(town, now, 'de').map(summary => summary.name)).toEqual(['yak (de)', 'zebra (de)']);
  });

  it('are the same in every town for well-known quantities, but a sensor keeps its own', () => {
    const bay = { id: 'parking_occupied', quantity: 'parking_occupied', name: 'Belegt', nameEn: 'Occupied' };
    expect(quantityName(bay, 'en')).toBe('Parking bays');
    expect(valueName(bay, 'en')).toBe('Occupied');
    expect(valueName({ ...bay, nameEn: '' }, 'en')).toBe('Parking bays');
    expect(valueName(bay, 'de')).toBe('Belegt');
  });
});
