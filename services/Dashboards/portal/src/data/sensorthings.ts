/** Reads a town out of OGC SensorThings 1.1. */

import { interval } from '../reading/age.ts';
import { getJson, ownLink, path } from './http.ts';
import { readableUnit, unitSign } from '../reading/units.ts';
import type { Datastream, Flag, Quality, Reading, Thing, Town, Value } from './model.ts';

interface Page<T> { value: T[]; '@iot.nextLink'?: string }
type Id = string | number;

interface ObservationEntity {
  phenomenonTime: string;
  result: Value | null;
  resultQuality?: unknown;
}

interface ThingEntity {
  '@iot.id': Id;
  name: string;
  description?: string;
  properties?: Record<string, unknown>;
  Locations?: { location: unknown }[];
  Datastreams?: {
    '@iot.id': Id;
    name: string;
    unitOfMeasurement?: { name?: string; symbol?: string };
    properties?: Record<string, unknown>;
    ObservedProperty?: { '@iot.id': Id; name: string; description?: string; properties?: Record<string, unknown> };
    Observations?: ObservationEntity[];
  }[];
}

const whole = '$expand=Locations,Datastreams($expand=ObservedProperty,Observations($top=1;$orderby=phenomenonTime desc))';

/** Loads every Thing with its latest readings, page by page; `arrived` is told after each page. */
export async function loadTown(arrived: (town: Town) => void): Promise<Town> {
  const town: Town = { things: new Map(), datastreams: new Map(), quantities: new Map() };
  let next: string | null = path(`sta/v1.1/${encodeURI(`Things?${whole}&$top=1000`)}`);
  while (next) {
    const page: Page<ThingEntity> = await getJson<Page<ThingEntity>>(next);
    for (const entity of page.value) addThing(town, entity);
    arrived(town);
    next = page['@iot.nextLink'] ? ownLink(page['@iot.nextLink']) : null;
  }
  return town;
}

/** Reads one Thing into the town, in place of what was known of it; false where there is none, as while it is being made. */
export async function loadThing(town: Town, id: string): Promise<boolean> {
  const filter = `$filter=${encodeURIComponent(`id eq '${id.replaceAll("'", "''")}'`)}`;
  const found = await getJson<Page<ThingEntity>>(path(`sta/v1.1/Things?${filter}&${encodeURI(whole)}`));
  for (const entity of found.value) addThing(town, entity);
  return found.value.length > 0;
}

export function addThing(town: Town, entity: ThingEntity): void {
  const thing: Thing = {
    id: String(entity['@iot.id']),
    name: entity.name,
    description: entity.description ?? '',
    dataset: text(entity.properties?.['dataset']),
    position: positionOf(entity.Locations?.[0]?.location),
    datastreams: [],
  };
  for (const stream of entity.Datastreams ?? []) {
    const observed = stream.ObservedProperty;
    const { unit, factor } = readableUnit(stream.unitOfMeasurement?.symbol ?? '', String(observed?.['@iot.id'] ?? ''));
    const quantity = quantityOf(town, String(observed?.['@iot.id'] ?? stream.name), unit);
    const datastream: Datastream = {
      id: String(stream['@iot.id']),
      name: stream.name,
      nameEn: text(stream.properties?.['nameEn']),
      unit,
      factor,
      quantity,
      dataset: text(stream.properties?.['dataset']) || thing.dataset,
      expectedInterval: interval(stream.properties?.['expectedInterval']),
      latest: stream.Observations?.[0] ? readingOf(stream.Observations[0], factor) : null,
      changed: null,
      thing,
    };
    thing.datastreams.push(datastream);
    town.datastreams.set(datastream.id, datastream);
    if (!town.quantities.has(quantity)) {
      const suffix = quantity.endsWith(`(${unit})`) ? ` (${unitSign(unit)})` : '';
      const nameEn = text(observed?.properties?.['nameEn']) || datastream.nameEn;
      town.quantities.set(quantity, {
        id: quantity, name: (observed?.name ?? stream.name) + suffix, nameEn: nameEn && nameEn + suffix, description: observed?.description ?? '', unit,
      });
    }
  }
  town.things.set(thing.id, thing);
}

/** The same quantity in another unit cannot share its colours: it stands as a quantity of its own. */
function quantityOf(town: Town, id: string, unit: string): string {
  const known = town.quantities.get(id);
  return known === undefined || known.unit === unit ? id : `${id} (${unit})`;
}

export function readingOf(observation: ObservationEntity, factor = 1): Reading {
  // A phenomenonTime may be an interval; its end is when the value was last true.
  const time = Date.parse(observation.phenomenonTime.split('/').at(-1)!);
  const { result } = observation;
  return { time, value: typeof result === 'number' ? result * factor : result, quality: qualityOf(observation.resultQuality) };
}

export function qualityOf(value: unknown): Quality {
  const given = typeof value === 'object' && value !== null ? (value as { flag?: unknown; reasons?: unknown }) : { flag: value };
  const flag = ['good', 'suspect', 'bad', 'missing'].includes(String(given.flag)) ? (given.flag as Flag) : 'good';
  return { flag, reasons: Array.isArray(given.reasons) ? given.reasons.map(String) : [] };
}

function positionOf(location: unknown): readonly [number, number] | null {
  const shape = location as { type?: string; coordinates?: unknown; geometry?: unknown } | undefined;
  if (shape?.type === 'Feature') return positionOf(shape.geometry);
  if (shape?.type !== 'Point' || !Array.isArray(shape.coordinates)) return null;
  const [longitude, latitude] = shape.coordinates as unknown[];
  return typeof longitude === 'number' && typeof latitude === 'number' ? [longitude, latitude] : null;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
