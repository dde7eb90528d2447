import { describe, expect, it } from 'vitest';
import { everyDevice, readAddress, start, writeAddress } from '../src/address.ts';
import { externalIdsOf, externalIdsText, filtersOf, queryOf, secondsOf, tagsOf, withoutFilters } from '../src/devices/selection.ts';

describe('the address of the devices', () => {
  const chosen = {
    ...start, view: 'devices', find: 'Brücke & Wehr', state: 'silent', condition: 'battery-low', tag: 'hochwasser funkloch', group: 'Mühlbach', profile: 'dragino-lht65', department: 'Tiefbauamt', sort: '-lastSeen',
    device: 'pegel-1', page: 'inbox',
  } as const;

  it('reads back what it writes', () => expect(readAddress(writeAddress(chosen))).toEqual(chosen));

  it('is left out of the other views', () => {
    expect(writeAddress({ ...chosen, view: 'list' })).toBe('#view=list');
    expect(readAddress('#view=list&state=silent&device=pegel-1')).toEqual({ ...start, view: 'list' });
  });

  it('falls back where a value makes no sense', () => {
    expect(readAddress('#view=devices&sort=moon&page=moon&device=')).toEqual({ ...start, view: 'devices' });
  });
});

describe('queryOf', () => {
  it('asks for nothing where everything is wanted', () => {
    expect(queryOf(everyDevice)).toBe('');
    expect(queryOf(everyDevice, true)).toBe('sort=name');
  });

  it('asks for each tag', () => {
    expect(queryOf({ ...everyDevice, find: ' a&b ', tag: 'eins  zwei', condition: 'any', sort: '-lastSeen' }, true)).toBe('search=a%26b&condition=any&tag=eins&tag=zwei&sort=-lastSeen');
  });
});

describe('filters', () => {
  it('are counted and taken away, but not the order', () => {
    const asked = { ...everyDevice, state: 'silent', group: 'Mühlbach', sort: 'id' } as const;
    expect(filtersOf(asked)).toBe(2);
    expect({ ...asked, ...withoutFilters() }).toEqual({ ...everyDevice, sort: 'id' });
  });
});

describe('what people type', () => {
  it('becomes external ids, and these are shown as typed', () => {
    const typed = 'inventar = T-4711\n\n sap: 12=3 ';
    expect(externalIdsOf(typed)).toEqual({ ids: { inventar: 'T-4711', sap: '12=3' } });
    expect(externalIdsText({ inventar: 'T-4711' })).toBe('inventar = T-4711');
    expect(externalIdsOf(' \n')).toEqual({ ids: null });
    expect(externalIdsOf('inventar = x\n= 4')).toEqual({ line: '= 4' });
    expect(externalIdsOf('nichts')).toEqual({ line: 'nichts' });
  });

  it('becomes tags', () => expect(tagsOf('#Hochwasser, funkloch;funkloch  ')).toEqual(['hochwasser', 'funkloch']));

  it('becomes seconds', () => {
    expect(secondsOf('')).toBeNull();
    expect(secondsOf(' 2,5 ')).toBe(150);
    expect(secondsOf('bald')).toBeNaN();
  });
});
