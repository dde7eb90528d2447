/** The address after `#` says what is shown, so that every view can be linked, bookmarked and gone back to. */

export type View = 'map' | 'list' | 'datasets' | 'connect';
export type Period = '24h' | '7d' | '30d';

export interface Address {
  view: View;
  thing: string | null;
  /** The Datastream shown in the panel; null shows the one that fits the chosen quantity. */
  stream: string | null;
  quantity: string | null;
  dataset: string | null;
  search: string;
  period: Period;
}

export const start: Address = { view: 'map', thing: null, stream: null, quantity: null, dataset: null, search: '', period: '24h' };

export function readAddress(hash: string): Address {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const oneOf = <T extends string>(name: string, values: readonly T[]): T => {
    const value = given.get(name) as T | null;
    return value !== null && values.includes(value) ? value : values[0]!;
  };
  return {
    view: oneOf<View>('view', ['map', 'list', 'datasets', 'connect']),
    thing: given.get('thing') || null,
    stream: given.get('stream') || null,
    quantity: given.get('quantity') || null,
    dataset: given.get('dataset') || null,
    search: given.get('search') ?? '',
    period: oneOf<Period>('period', ['24h', '7d', '30d']),
  };
}

/** The shortest hash that reads back as the same address. */
export function writeAddress(address: Address): string {
  const said = new URLSearchParams();
  for (const name of Object.keys(start) as (keyof Address)[])
    if (address[name] !== start[name] && address[name] !== null) said.set(name, address[name]);
  const hash = said.toString();
  return hash === '' ? '' : `#${hash}`;
}
