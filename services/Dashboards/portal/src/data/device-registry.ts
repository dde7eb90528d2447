/** The registry of devices: lists, one device with what is known of it, what can be done to it, tables. Answers are as the API gives them. */

import { getBlob, getJson, ownLink, path, send, sendJson } from './http.ts';
import type { UnknownDevice } from './devices.ts';

export const states = ['planned', 'installed', 'active', 'silent', 'faulty', 'retired'] as const;
export type State = (typeof states)[number];

export const conditionKinds = ['silent', 'battery-low', 'signal-weak', 'frames-lost', 'restarted', 'replayed', 'clock-off'] as const;
export type ConditionKind = (typeof conditionKinds)[number];

export interface Condition {
  kind: string;
  since: string;
  until?: string;
  /** By which numbers it was noticed. */
  detail: { lastSeen?: string; expectedInterval?: number; battery?: number; rssi?: number; snr?: number; spreadingFactor?: number; uplinks?: number; lost?: number; at?: string; seconds?: number };
}

export interface LastSeen {
  at: string;
  fCnt?: number;
  /** dBm, of the gateway that heard it best. */
  rssi?: number;
  /** dB. */
  snr?: number;
  spreadingFactor?: number;
  gateways?: number;
  lost?: number;
  /** Percent. */
  battery?: number;
}

export interface Point { type: 'Point'; coordinates: number[] }

export interface Device {
  id: string;
  name: string;
  profile: string;
  devEui?: string;
  location?: Point;
  description?: string;
  dataset?: string;
  /** Seconds, where they are not the profile's. */
  expectedInterval?: number;
  registeredAt: string;
  changedAt: string;
  lastSeen?: LastSeen;
  tags?: string[];
  group?: string;
  department?: string;
  notes?: string;
  installedAt?: string;
  externalIds?: Record<string, string>;
  state: State;
  stateSince: string;
  photo?: string;
  conditions: Condition[];
  previousDevEuis?: string[];
}

export interface DevicesOf { value: string; devices: number }

export interface Counts {
  total: number;
  states: Record<State, number>;
  conditions: Record<string, number>;
  profiles: DevicesOf[];
  groups: DevicesOf[];
  departments: DevicesOf[];
  tags: DevicesOf[];
  /** Senders in the inbox; missing for who may not adopt them. */
  unknown?: number;
  may: ('manage' | 'send')[];
}

export interface PlacedDevice {
  id: string;
  name: string;
  state: State;
  conditions: string[];
  position: [number, number];
}

export interface Page<T> { items: T[]; next?: string }

const device = (id: string, below = ''): string => path(`devices/${encodeURIComponent(id)}${below}`);

const withQuery = (address: string, query: string): string => path(query === '' ? address : `${address}?${query}`);

export const loadCounts = (query: string, signal?: AbortSignal): Promise<Counts> => getJson<Counts>(withQuery('device-counts', query), signal);

export const loadDevices = (query: string, limit: number, signal?: AbortSignal): Promise<Page<Device>> =>
  getJson<Page<Device>>(withQuery('devices', `${query}${query === '' ? '' : '&'}limit=${limit}`), signal);

/** The page that a page's link leads to. */
export const loadNext = <T>(next: string, signal?: AbortSignal): Promise<Page<T>> => getJson<Page<T>>(ownLink(next), signal);

/** All places of a selection at once. */
export async function loadPlaces(query: string, signal?: AbortSignal): Promise<PlacedDevice[]> {
  interface Feature { id: string; properties: { name: string; state: State; conditions?: string[] }; geometry: Point }
  const { features } = await getJson<{ features: Feature[] }>(withQuery('devices.geojson', query), signal);
  return features.map(({ id, properties: { name, state, conditions }, geometry: { coordinates: [longitude, latitude] } }) =>
    ({ id, name, state, conditions: conditions ?? [], position: [longitude!, latitude!] }));
}

export const loadDevice = (id: string, signal?: AbortSignal): Promise<Device> => getJson<Device>(device(id), signal);

/** Changes what is named and removes what is null (RFC 7396). */
export const changeDevice = (id: string, change: object): Promise<Device | null> =>
  send<Device>('PATCH', device(id), { type: 'application/merge-patch+json', content: JSON.stringify(change) });

export const removeDevice = (id: string): Promise<unknown> => sendJson('DELETE', device(id));

export interface StateHistory {
  state: State;
  since: string;
  allowed: State[];
  history: { at: string; from: State; to: State; by: string; reason?: string }[];
}

export const loadStates = (id: string, signal?: AbortSignal): Promise<StateHistory> => getJson<StateHistory>(device(id, '/state'), signal);

export const changeState = (id: string, state: State, reason: string): Promise<unknown> =>
  sendJson('POST', device(id, '/state'), { state, ...(reason !== '' && { reason }) });

export const loadPhoto = (id: string, signal?: AbortSignal): Promise<Blob> => getBlob(device(id, '/photo'), signal);

export const putPhoto = (id: string, photo: Blob): Promise<unknown> => send('PUT', device(id, '/photo'), { type: photo.type, content: photo });

export const removePhoto = (id: string): Promise<unknown> => sendJson('DELETE', device(id, '/photo'));

export const maintenanceKinds = ['battery-changed', 'cleaned', 'repaired', 'moved', 'installed', 'other'] as const;

export interface Maintenance { id: number; at: string; kind: string; text?: string; by: string }

export const loadMaintenance = (id: string, signal?: AbortSignal): Promise<Page<Maintenance>> => getJson<Page<Maintenance>>(device(id, '/maintenance?limit=20'), signal);

export const addMaintenance = (id: string, entry: { kind: string; text?: string; at?: string }): Promise<Maintenance | null> =>
  sendJson<Maintenance>('POST', device(id, '/maintenance'), entry);

export const loadPastConditions = (id: string, signal?: AbortSignal): Promise<Page<Condition>> =>
  getJson<Page<Condition>>(path(`device-conditions?open=false&device=${encodeURIComponent(id)}&limit=20`), signal);

export interface Signal { kind: string; at: string; batteryLevel?: number; externalPower?: boolean; margin?: number; level?: string; text?: string }

export const loadSignals = async (id: string, signal?: AbortSignal): Promise<Signal[]> => (await getJson<Page<Signal>>(device(id, '/signals'), signal)).items;

export interface NewKey { key: string }

/** The old key is worth nothing from then on; the new one is told this once. */
export const renewKey = async (id: string): Promise<string> => (await sendJson<NewKey>('POST', device(id, '/key')))!.key;

export interface Replacement { devEui?: string; profile?: string; allowMissing?: boolean; text?: string }

/** Another physical device in the place of this one; the answer is its key, told this once. */
export const replaceHardware = async (id: string, by: Replacement): Promise<string> => (await sendJson<NewKey>('POST', device(id, '/replace'), by))!.key;

export interface Downlink {
  id: string;
  state: string;
  stateSince: string;
  reason?: string;
  fPort?: number;
  bytes?: string;
  data?: unknown;
  confirmed: boolean;
  queuedAt: string;
  expiresAt: string;
  by: string;
  attempts: number;
  nextAttemptAt?: string;
}

export interface NewDownlink { fPort?: number; bytes?: string; data?: unknown; confirmed: boolean; validFor: number; priority: string }

export interface DownlinkPreview {
  downlink: Pick<Downlink, 'fPort' | 'bytes' | 'data' | 'confirmed' | 'expiresAt'>;
  warnings: string[];
  kind: string;
  url?: string;
  topic?: string;
  body: unknown;
}

export const loadDownlinks = (id: string, signal?: AbortSignal): Promise<Page<Downlink>> => getJson<Page<Downlink>>(device(id, '/downlinks?limit=10'), signal);

export const previewDownlink = async (id: string, downlink: NewDownlink): Promise<DownlinkPreview> =>
  (await sendJson<DownlinkPreview>('POST', device(id, '/downlinks?dryRun=true'), downlink))!;

export const sendDownlink = (id: string, downlink: NewDownlink): Promise<Downlink | null> => sendJson<Downlink>('POST', device(id, '/downlinks'), downlink);

export const cancelDownlink = (id: string, downlink: string): Promise<unknown> => sendJson('DELETE', device(id, `/downlinks/${downlink}`));

export interface ImportedRow {
  /** Of the file; the headings are in line 1. */
  line: number;
  id: string;
  action: 'create' | 'change' | 'unchanged' | 'error';
  changes?: { column: string; old?: string; new?: string }[];
  errors?: { column: string; reason: string }[];
  /** Of a device that was made; told this once. */
  key?: string;
}

export interface Imported {
  applied: boolean;
  created: number;
  changed: number;
  unchanged: number;
  faulty: number;
  ignoredColumns: string[];
  rows: ImportedRow[];
}

export const previewImport = async (table: Blob): Promise<Imported> =>
  (await send<Imported>('POST', path('devices/import?dryRun=true'), { type: 'text/csv', content: table }))!;

/** Rows with faults are passed over; what is previewed is not what counts, but what is there when the table is read again. */
export const importDevices = async (table: Blob): Promise<Imported> =>
  (await send<Imported>('POST', path('devices/import?onlyValid=true'), { type: 'text/csv', content: table }))!;

export const loadTable = (query: string, language: string): Promise<Blob> => getBlob(withQuery('devices.csv', `${query}${query === '' ? '' : '&'}lang=${language}`));

export const loadInbox = (ignored: boolean, signal?: AbortSignal): Promise<Page<UnknownDevice & { firstSeen: string; door: string }>> =>
  getJson(path(`unknown-devices?limit=50${ignored ? '&ignored=true' : ''}`), signal);

export const restoreUnknown = (name: string): Promise<unknown> => sendJson('POST', path(`unknown-devices/${encodeURIComponent(name)}/restore`));
