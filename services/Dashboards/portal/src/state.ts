/** What the page knows and shows. Components read signals; only the functions here write them. */

import { computed, effect, signal } from '@preact/signals';
import { readAddress, start, writeAddress, type Address } from './address.ts';
import { loadDatasets } from './data/catalog.ts';
import { Unavailable } from './data/http.ts';
import { follow, type LiveObservation, type LiveState } from './data/live.ts';
import type { Dataset, Datastream, Reading, Thing, Town } from './data/model.ts';
import { loadThing, loadTown, readingOf } from './data/sensorthings.ts';
import { Grid } from './map/grid.ts';
import { language } from './text.ts';

/** The configuration that the service gives with the page. */
export interface Portal {
  municipality: string;
  name: string;
  center: [number, number];
  bbox: [number, number, number, number];
  map: { style: string | null; basemap: string | null };
  links: { imprint: string | null; privacy: string | null; accessibility: string | null };
}

export const portal = signal<Portal | null>(null);
export const town = signal<Town>({ things: new Map(), datastreams: new Map(), quantities: new Map() });
/** Counts what changed in `town`: readings are written in place, a town has too many for a signal each. */
export const revision = signal(0);
/**
 * A Datastream's latest reading, for components: who asks here is drawn again when readings arrive. (A component whose
 * properties stay the same is passed over otherwise, and readings change inside of them.)
 */
export function latestOf(stream: Datastream): Reading | null {
  void revision.value;
  return stream.latest;
}

export const loading = signal<'first' | 'done' | 'failed'>('first');
export const datasets = signal<Dataset[] | 'loading' | 'failed'>('loading');
export const live = signal<LiveState>('connecting');
/** When the stream was last whole, for the words beside "interrupted". */
export const liveUntil = signal(Date.now());
/** The clock of the page: ages are words, a tick of 15 s is enough. */
export const now = signal(Date.now());
/** The latest live observation of the Datastream in the panel, for its chart. */
export const arrived = signal<Datastream | null>(null);

export const address = signal<Address>(readAddress(location.hash));

/** Goes to another view. A Thing, a device or a view is a step that "back" undoes; filters are not. */
export function go(change: Partial<Address>): void {
  const next = { ...address.value, ...change };
  if (change.thing !== undefined && change.thing !== address.value.thing && change.stream === undefined) next.stream = null;
  const step = (['thing', 'view', 'page', 'device'] as const).some(name => next[name] !== address.value[name]);
  address.value = next;
  const url = location.pathname + location.search + writeAddress(next);
  if (step) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}

/** The link that leads to `change` from here. */
export const link = (change: Partial<Address>): string => writeAddress({ ...address.value, stream: null, ...change }) || '#';

export const clearFilters = (): void => go({ quantity: start.quantity, dataset: start.dataset, search: start.search });

export const datasetTitle = (id: string): string =>
  (Array.isArray(datasets.value) && datasets.value.find(dataset => dataset.id === id)?.title) || id;

/** Ids are long and full of digits: a short word must not find every device that has it somewhere in its id. */
const shortestId = 4;

/** Where a word stands in a text; a number only where it begins: "Bucht 10" must not find every device of model 110. */
function contains(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
    if (!/^\d/.test(word) || !/\d/.test(text.charAt(at - 1))) return true;
  return false;
}

/** The Things that fit dataset, quantity and search, by name. */
export const shown = computed<Thing[]>(() => {
  void revision.value;
  const { dataset, quantity, search } = address.value;
  const words = search.toLocaleLowerCase('de').split(/\s+/).filter(Boolean);
  const quantities = town.value.quantities;
  const found = [...town.value.things.values()].filter(thing => {
    if (dataset && thing.dataset !== dataset) return false;
    if (quantity && !thing.datastreams.some(stream => stream.quantity === quantity && stream.latest)) return false;
    if (words.length === 0) return true;
    const text = [thing.name, thing.description, datasetTitle(thing.dataset),
      ...thing.datastreams.map(stream => quantities.get(stream.quantity)?.name ?? '')].join(' ').toLocaleLowerCase('de');
    const id = thing.id.toLocaleLowerCase('de');
    return words.every(word => contains(text, word) || (word.length >= shortestId && id.includes(word)));
  });
  return found.sort((a, b) => byName(a.name, b.name));
});

/** Things that lie at one place of the map, to choose from. */
export const here = signal<string[] | null>(null);

/** The squares of the town's plan. */
export const grid = computed(() => (portal.value ? new Grid(portal.value.bbox) : null));

/** The square of a place where the map shows squares: a map with streets needs none. */
export function squareOf(thing: Thing): string | null {
  const map = portal.value?.map;
  return (!map?.style && !map?.basemap && thing.position && grid.value?.square(thing.position)) || null;
}

export const selected = computed<Thing | null>(() => {
  void revision.value;
  return address.value.thing ? town.value.things.get(address.value.thing) ?? null : null;
});

const collator = new Intl.Collator('de', { numeric: true });
export const byName = (a: string, b: string): number => collator.compare(a, b);

/** Loads the town, again after a pause while it fails, and then follows it live. */
export async function open(signal: AbortSignal): Promise<void> {
  effect(() => { document.documentElement.lang = language.value; });
  addEventListener('popstate', () => { address.value = readAddress(location.hash); });
  addEventListener('hashchange', () => { address.value = readAddress(location.hash); });
  setInterval(() => { now.value = Date.now(); }, 15_000);
  void reloadDatasets();
  await reload();
  await follow({ observed: keep, changed: connected }, signal);
}

export async function reload(): Promise<void> {
  try {
    // The first time each page is shown as it comes; later the old town stays until the new one is whole.
    const first = loading.value !== 'done';
    town.value = await loadTown(partial => { if (first) { town.value = partial; revision.value++; } });
    loading.value = 'done';
    revision.value++;
    now.value = Date.now();
  } catch (fault) {
    if (!(fault instanceof Unavailable)) console.error(fault);
    if (loading.value === 'done') return; // What is shown stays, and the live state says that it ages.
    loading.value = 'failed';
    setTimeout(() => void reload(), 15_000);
  }
}

/** Reads one Thing again, e.g. of a device that was connected a moment ago; the town need not be read whole for it. */
export async function reloadThing(id: string): Promise<void> {
  try {
    if (await loadThing(town.value, id)) revision.value++;
  } catch (fault) {
    if (!(fault instanceof Unavailable)) console.error(fault);
  }
}

export async function reloadDatasets(): Promise<void> {
  try {
    datasets.value = await loadDatasets();
  } catch {
    datasets.value = 'failed';
  }
}

const pending: LiveObservation[] = [];
let flushing = 0;

/** Readings may come by the thousand: they are written together, at most four times a second. */
function keep(observation: LiveObservation): void {
  pending.push(observation);
  flushing ||= window.setTimeout(flush, 250);
}

function flush(): void {
  flushing = 0;
  let unknown = false;
  for (const observation of pending.splice(0)) {
    const stream = town.value.datastreams.get(String(observation.datastream));
    if (!stream) { unknown = true; continue; }
    const reading = readingOf(observation, stream.factor);
    if (stream.latest && stream.latest.time > reading.time) continue;
    if (stream.latest?.value !== reading.value) stream.changed = Date.now();
    stream.latest = reading;
    if (stream.thing.id === address.value.thing) arrived.value = stream;
  }
  revision.value++;
  if (unknown) newcomers();
}

let expected = 0;

/** Something reports that this page does not know: the town has grown. It is read again, but not for each newcomer. */
function newcomers(): void {
  expected ||= window.setTimeout(() => { expected = 0; void reload(); void reloadDatasets(); }, 10_000);
}

/** After this long without the stream its memory may be shorter than the gap: the town is read again. */
const tooLong = 120_000;

function connected(state: LiveState): void {
  if (state === 'live') {
    if (loading.value === 'failed' || (live.value === 'interrupted' && Date.now() - liveUntil.value > tooLong)) void reload();
  } else if (live.value === 'live') {
    liveUntil.value = Date.now();
  }
  live.value = state;
}
