/** Which devices are shown: what the address says, as the API is asked for it. */

import { everyDevice, type Selection } from '../address.ts';

/** What the list, the counts, the map and the table are asked for; without order where that does not matter. */
export function queryOf(selection: Selection, withOrder = false): string {
  const query = new URLSearchParams();
  const add = (name: string, value: string): void => { if (value.trim() !== '') query.append(name, value.trim()); };
  add('search', selection.find);
  add('state', selection.state);
  add('condition', selection.condition);
  for (const tag of selection.tag.split(/\s+/)) add('tag', tag);
  add('group', selection.group);
  add('profile', selection.profile);
  add('department', selection.department);
  if (withOrder) add('sort', selection.sort);
  return query.toString();
}

const filters = ['find', 'state', 'condition', 'tag', 'group', 'profile', 'department'] as const;

/** How many things the selection asks for. */
export const filtersOf = (selection: Selection): number => filters.filter(name => selection[name] !== '').length;

/** Every device again, in the order that was chosen. */
export const withoutFilters = (): Partial<Selection> => Object.fromEntries(filters.map(name => [name, everyDevice[name]]));

/** External ids as people write them: one in a line, `inventory = T-4711`. */
export const externalIdsText = (ids: Record<string, string> | undefined): string =>
  Object.entries(ids ?? {}).map(([system, id]) => `${system} = ${id}`).join('\n');

/** The external ids of a text; `null` where there are none, the line at fault where one cannot be read. */
export function externalIdsOf(text: string): { ids: Record<string, string> | null } | { line: string } {
  const ids: Record<string, string> = {};
  for (const line of text.split('\n').map(one => one.trim()).filter(Boolean)) {
    const at = line.search(/[=:]/);
    const [system, id] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    if (at < 1 || system === '' || id === '') return { line };
    ids[system] = id;
  }
  return { ids: Object.keys(ids).length > 0 ? ids : null };
}

/** Tags as people type them, with spaces, commas or `#`. */
export const tagsOf = (text: string): string[] =>
  [...new Set(text.toLocaleLowerCase('de').split(/[\s,;#]+/).filter(Boolean))];

/** Seconds out of minutes as people type them; null where nothing is typed, NaN where it is no number. */
export function secondsOf(minutes: string): number | null {
  const typed = minutes.trim().replace(',', '.');
  return typed === '' ? null : Math.round(Number(typed) * 60);
}
