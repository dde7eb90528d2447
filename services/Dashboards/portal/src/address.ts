/** The address after `#` says what is shown, so that every view can be linked, bookmarked and gone back to. */

export type View = 'map' | 'list' | 'datasets' | 'devices' | 'connect';
export type Period = '24h' | '7d' | '30d';

/** Which devices the list of devices shows, in which order; what is empty does not matter. */
export interface Selection {
  /** Part of a name, an id, a DevEUI … */
  find: string;
  state: string;
  /** What is wrong with them; `any` for whatever it is. */
  condition: string;
  /** Tags that they all have, with spaces between. */
  tag: string;
  group: string;
  profile: string;
  department: string;
  sort: Sort;
}

export type Sort = 'name' | '-lastSeen' | 'lastSeen' | 'id';

/** A page of the devices beside their list. */
export type DevicesPage = '' | 'inbox' | 'import';

export interface Address extends Selection {
  view: View;
  thing: string | null;
  /** The Datastream shown in the panel; null shows the one that fits the chosen quantity. */
  stream: string | null;
  quantity: string | null;
  dataset: string | null;
  search: string;
  period: Period;
  page: DevicesPage;
  /** The device that is shown in full. */
  device: string | null;
}

export const everyDevice: Selection = { find: '', state: '', condition: '', tag: '', group: '', profile: '', department: '', sort: 'name' };

export const start: Address = {
  view: 'map', thing: null, stream: null, quantity: null, dataset: null, search: '', period: '24h', page: '', device: null, ...everyDevice,
};

/** What counts for the devices alone: the other views' addresses are not burdened with it. */
const ofDevices = new Set<string>(['page', 'device', ...Object.keys(everyDevice)]);

export function readAddress(hash: string): Address {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const oneOf = <T extends string>(name: string, values: readonly T[]): T => {
    const value = given.get(name) as T | null;
    return value !== null && values.includes(value) ? value : values[0]!;
  };
  const view = oneOf<View>('view', ['map', 'list', 'datasets', 'devices', 'connect']);
  const words = (name: string): string => (view === 'devices' && given.get(name)) || '';
  return {
    view,
    thing: given.get('thing') || null,
    stream: given.get('stream') || null,
    quantity: given.get('quantity') || null,
    dataset: given.get('dataset') || null,
    search: given.get('search') ?? '',
    period: oneOf<Period>('period', ['24h', '7d', '30d']),
    page: view === 'devices' ? oneOf<DevicesPage>('page', ['', 'inbox', 'import']) : '',
    device: words('device') || null,
    find: words('find'),
    state: words('state'),
    condition: words('condition'),
    tag: words('tag'),
    group: words('group'),
    profile: words('profile'),
    department: words('department'),
    sort: view === 'devices' ? oneOf<Sort>('sort', ['name', '-lastSeen', 'lastSeen', 'id']) : 'name',
  };
}

/** The shortest hash that reads back as the same address. */
export function writeAddress(address: Address): string {
  const said = new URLSearchParams();
  for (const name of Object.keys(start) as (keyof Address)[])
    if (address[name] !== start[name] && address[name] !== null && (address.view === 'devices' || !ofDevices.has(name))) said.set(name, address[name]);
  const hash = said.toString();
  return hash === '' ? '' : `#${hash}`;
}
