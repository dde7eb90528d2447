/** What connects a device: keys for network servers, the inbox of unknown senders, suggestions of profiles, and the registration itself. */

import { getJson, path, Refused, sendJson } from './http.ts';
import type { Value } from './model.ts';

/** An uplink of somebody who is not registered. */
export interface UnknownUplink {
  receivedAt: string;
  fPort: number;
  /** Hexadecimal. */
  bytes?: string;
  /** What the network server decoded. */
  data?: unknown;
  radio?: { rssi?: number; snr?: number; gateways?: number };
}

export interface UnknownDevice {
  /** DevEUI, or the id that it sends. */
  name: string;
  /** What the network server calls it. */
  deviceId?: string;
  lastSeen: string;
  count: number;
  uplinks: UnknownUplink[];
}

export interface Suggestion {
  profile: string;
  name: string;
  vendor?: string;
  model?: string;
  /** 0 to 1. */
  score: number;
  observations: { field: string; name: string; nameEn?: string; value: Value; unit?: string }[];
}

export interface Profile {
  id: string;
  name: string;
  vendor?: string;
  model?: string;
  /** Missing where uplinks come decoded. */
  codec?: string | null;
}

export interface NewDevice {
  id: string;
  name: string;
  profile: string;
  location?: { type: 'Point'; coordinates: [number, number] };
  department?: string;
}

export interface Registration {
  id: string;
  name: string;
  profile: string;
}

const devEui = /^[0-9A-F]{16}$/;

/** Whether the sender is named by its DevEUI; else the name is the id that the device has to have. */
export const isDevEui = (name: string): boolean => devEui.test(name);

/** A key for a network server that sends uplinks. It is shown this once. */
export async function makeUplinkKey(name: string): Promise<string> {
  return (await sendJson<{ key: string }>('POST', path('identity/api-keys'), { name, scopes: ['uplinks:write'] }))!.key;
}

export const loadUnknown = async (signal?: AbortSignal): Promise<UnknownDevice[]> =>
  (await getJson<{ items: UnknownDevice[] }>(path('unknown-devices?limit=20'), signal)).items;

export const ignoreUnknown = (name: string): Promise<unknown> => sendJson('DELETE', path(`unknown-devices/${encodeURIComponent(name)}`));

/** The profiles that fit what was sent, the best first; none where only decoded values came. */
export async function suggest(device: UnknownDevice): Promise<Suggestion[]> {
  const uplinks = device.uplinks.filter(uplink => uplink.bytes).slice(0, 10).map(({ fPort, bytes }) => ({ fPort, bytes }));
  if (uplinks.length === 0) return [];
  return (await sendJson<Suggestion[]>('POST', path('device-profiles/suggest'), { uplinks }))!;
}

export const loadProfiles = (): Promise<Profile[]> => getJson<Profile[]>(path('device-profiles'));

/** The id that a name becomes: `Pegel Mühlbach` → `pegel-muehlbach`. */
export function idOf(name: string): string {
  const plain = name.toLocaleLowerCase('de').replaceAll('ä', 'ae').replaceAll('ö', 'oe').replaceAll('ü', 'ue').replaceAll('ß', 'ss').normalize('NFKD');
  const id = plain.replace(/[\u0300-\u036f]/g, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60).replace(/-+$/, '');
  return id === '' || /^\d+$/.test(id) ? `geraet-${id || '1'}` : id;
}

const mostAttempts = 20;

/** Registers an unknown sender and takes what it has sent. Where another device has the id, the next free number is put behind it. */
export async function adopt(sender: UnknownDevice, device: Omit<NewDevice, 'id'>): Promise<Registration> {
  const id = isDevEui(sender.name) ? idOf(device.name) : sender.name;
  for (let attempt = 1; ; attempt++) {
    try {
      return (await sendJson<Registration>('POST', path(`unknown-devices/${encodeURIComponent(sender.name)}/adopt`), { ...device, id: attempt === 1 ? id : `${id}-${attempt}` }))!;
    } catch (fault) {
      if (!(fault instanceof Refused && fault.kind === 'device_exists' && isDevEui(sender.name) && attempt < mostAttempts)) throw fault;
    }
  }
}
