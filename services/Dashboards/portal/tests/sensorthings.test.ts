import { describe, expect, it } from 'vitest';
import { ownLink } from '../src/data/http.ts';
import type { Town } from '../src/data/model.ts';
import { addThing, qualityOf, readingOf } from '../src/data/sensorthings.ts';
import { summarise } from '../src/reading/summary.ts';

const now = Date.UTC(2026, 10, 21, 12);
const emptyTown = (): Town => ({ things: new Map(), datastreams: new Map(), quantities: new Map() });

function bay(id: string, occupied: boolean | null, minutesAgo = 5) {
  return {
    '@iot.id': id, name: `Stellplatz ${id}`, properties: { dataset: 'parken' },
    Locations: [{ location: { type: 'Point', coordinates: [8.38, 51.9] } }],
    Datastreams: [{
      '@iot.id': `${id}.occupied`, name: 'Belegt', unitOfMeasurement: { symbol: '' }, properties: { expectedInterval: 'PT10M' },
      ObservedProperty: { '@iot.id': 'parking_occupied', name: 'Belegung' },
      Observations: occupied === null ? [] : [{ phenomenonTime: new Date(now - minutesAgo * 60_000).toISOString(), result: occupied, resultQuality: { flag: 'good', reasons: [] } }],
    }],
  };
}

describe('reading a town', () => {
  it('keeps place, dataset, unit, interval and the latest reading', () => {
    const town = emptyTown();
    addThing(town, bay('p1', true));
    const stream = town.datastreams.get('p1.occupied')!;
    expect(town.things.get('p1')!.position).toEqual([8.38, 51.9]);
    expect(stream).toMatchObject({ dataset: 'parken', expectedInterval: 600_000, quantity: 'parking_occupied' });
    expect(stream.latest).toMatchObject({ value: true, quality: { flag: 'good' } });
  });

  it('takes numeric ids, and Things without place, streams or readings', () => {
    const town = emptyTown();
    addThing(town, { '@iot.id': 17, name: 'Namenlos' });
    addThing(town, bay('p2', null));
    expect(town.things.get('17')).toMatchObject({ position: null, datastreams: [], dataset: '' });
    expect(town.datastreams.get('p2.occupied')!.latest).toBeNull();
  });

  it('takes the end of an interval for its time', () => {
    expect(readingOf({ phenomenonTime: '2026-11-21T10:00:00Z/2026-11-21T11:00:00Z', result: 1 }).time).toBe(Date.UTC(2026, 10, 21, 11));
  });

  it('reads a quality as an object or as a bare word, and holds nothing against what has none', () => {
    expect(qualityOf({ flag: 'suspect', reasons: ['out_of_range'] })).toEqual({ flag: 'suspect', reasons: ['out_of_range'] });
    expect(qualityOf('bad').flag).toBe('bad');
    expect(qualityOf(undefined)).toEqual({ flag: 'good', reasons: [] });
  });

  it('asks its own origin, whatever public address the links carry', () => {
    expect(ownLink('http://data.example.org:8080/musterstadt/sta/v1.1/Things?$skip=100')).toBe('/musterstadt/sta/v1.1/Things?$skip=100');
  });
});

describe('the summary of a town', () => {
  it('counts free parking bays, and leaves out the silent ones', () => {
    const town = emptyTown();
    for (const thing of [bay('a', true), bay('b', false), bay('c', false), bay('d', false, 600), bay('e', null)]) addThing(town, thing);
    expect(summarise(town, now, 'de')).toMatchObject([{ id: 'parking_occupied', truth: true, current: '2 von 3 frei', streams: 5 }]);
  });
});

describe('quantities in several units', () => {
  const barometer = (id: string, unit: string, result: number) => ({
    '@iot.id': id, name: id,
    Datastreams: [{
      '@iot.id': `${id}.pressure`, name: 'Luftdruck', unitOfMeasurement: { symbol: unit }, ObservedProperty: { '@iot.id': 'air_pressure', name: 'Luftdruck' },
      Observations: [{ phenomenonTime: new Date(now).toISOString(), result }],
    }],
  });

  it('shows pascals as hectopascals, together with those that say hectopascals', () => {
    const town = emptyTown();
    addThing(town, barometer('a', 'Pa', 101_320));
    addThing(town, barometer('b', 'hPa', 1009));
    expect([...town.quantities.keys()]).toEqual(['air_pressure']);
    expect(town.datastreams.get('a.pressure')).toMatchObject({ unit: 'hPa', latest: { value: 1013.2 } });
  });

  it('keeps apart what cannot be shown in one unit', () => {
    const town = emptyTown();
    addThing(town, barometer('a', 'hPa', 1009));
    addThing(town, barometer('b', 'bar', 1));
    expect([...town.quantities.values()].map(quantity => quantity.name)).toEqual(['Luftdruck', 'Luftdruck (bar)']);
  });
});
