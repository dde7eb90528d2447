/** What the pages of the devices know. Components read signals; only the functions here write them. */

import { computed, signal } from '@preact/signals';
import { everyDevice, type Selection } from '../address.ts';
import { loadCounts, loadDevices, loadNext, type Counts, type Device } from '../data/device-registry.ts';
import { loadProfiles, type Profile } from '../data/devices.ts';
import { Unavailable } from '../data/http.ts';
import { address } from '../state.ts';
import { queryOf } from './selection.ts';

/** Devices in a step of the list. */
export const pageSize = 100;

/** As much of a list as is looked after while it is open; who reads on further sees it as it was. */
const mostRefreshed = 500;

const retriedAfter = 5_000;

export type Trouble = 'signed-out' | 'forbidden' | 'failed';

export interface Found {
  /** The question that this answers. */
  query: string;
  items: Device[];
  next: string | null;
}

export const found = signal<Found | null>(null);
export const counts = signal<Counts | null>(null);
export const trouble = signal<Trouble | null>(null);
export const profiles = signal<Profile[]>([]);

/** What is said once after something was done on another page, e.g. that a device is deleted. */
export const notice = signal<string | null>(null);

export const selection = computed<Selection>(() => {
  const { find, state, condition, tag, group, profile, department, sort } = address.value;
  return { find, state, condition, tag, group, profile, department, sort };
});

/** Whether who is signed in may change devices; `false` too while that is not known. */
export const mayManage = computed(() => counts.value?.may.includes('manage') ?? false);
export const maySend = computed(() => counts.value?.may.includes('send') ?? false);
export const readsOnly = computed(() => counts.value !== null && !mayManage.value);

export function troubleOf(fault: unknown): Trouble {
  const status = fault instanceof Unavailable ? fault.status : 0;
  if (!(fault instanceof Unavailable)) console.error(fault);
  return status === 401 ? 'signed-out' : status === 403 ? 'forbidden' : 'failed';
}

let asked = new AbortController();

/** Loads list and counts of the selection; what is shown of the same selection stays until they are there. */
export async function load(): Promise<void> {
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  const query = queryOf(selection.value, true);
  const shown = found.value?.query === query ? found.value.items.length : 0;
  const limit = Math.max(pageSize, Math.min(shown, mostRefreshed));
  try {
    const [page, now] = await Promise.all([
      shown > mostRefreshed ? null : loadDevices(query, limit, signal),
      loadCounts(queryOf(selection.value), signal),
    ]);
    if (page) found.value = { query, items: page.items, next: page.next ?? null };
    counts.value = now;
    trouble.value = null;
  } catch (fault) {
    if (!signal.aborted) trouble.value = troubleOf(fault);
  }
}

/** The next page of the list, behind what is there. */
export async function loadMore(): Promise<void> {
  const before = found.value;
  if (!before?.next) return;
  const page = await loadNext<Device>(before.next);
  if (found.value === before) found.value = { ...before, items: [...before.items, ...page.items], next: page.next ?? null };
}

/** What may be done and chosen from, for pages that show no list. */
export async function loadRights(): Promise<void> {
  try {
    counts.value = await loadCounts(queryOf(everyDevice));
    trouble.value = null;
  } catch (fault) {
    trouble.value = troubleOf(fault);
    if (trouble.value === 'failed') setTimeout(() => { if (counts.value === null) void loadRights(); }, retriedAfter);
  }
}

let profilesAsked = false;

/** The kinds of devices, once. */
export async function needProfiles(): Promise<void> {
  if (profilesAsked) return;
  profilesAsked = true;
  try {
    profiles.value = (await loadProfiles()).sort((a, b) => a.name.localeCompare(b.name, 'de'));
  } catch {
    profilesAsked = false; // Their ids are shown instead.
  }
}

/** A kind's name for people; its id where that is all that is known. */
export const profileName = (id: string): string => profiles.value.find(profile => profile.id === id)?.name ?? id;
