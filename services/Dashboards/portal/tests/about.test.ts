import { describe, expect, it } from 'vitest';
import type { Device } from '../src/data/device-registry.ts';
import { changesOf, typedOf } from '../src/devices/about-card.tsx';

const device: Device = {
  id: 'pegel-1', name: 'Pegel', profile: 'gauge', registeredAt: '2026-03-01T08:00:00Z', changedAt: '2026-03-01T08:00:00Z', state: 'active', stateSince: '2026-03-01T08:00:00Z', conditions: [],
  expectedInterval: 90, installedAt: '2026-03-01T08:17:00Z', externalIds: { inventar: 'T-1', sap: '7' }, tags: ['eins'], notes: 'alt',
};

describe('changesOf', () => {
  const change = (typed: Partial<ReturnType<typeof typedOf>>) => changesOf(device, { ...typedOf(device), ...typed });

  it('sends nothing that nobody has changed, however exact it is', () => expect(change({})).toEqual({ change: {} }));

  it('sends what was changed, and null for what was emptied', () =>
    expect(change({ name: ' Pegel 2 ', notes: '', expectedInterval: '10', tags: 'zwei eins', installedAt: '2026-04-02' }))
      .toEqual({ change: { name: 'Pegel 2', notes: null, expectedInterval: 600, tags: ['zwei', 'eins'], installedAt: '2026-04-02T12:00:00Z' } }));

  it('removes the external ids that are gone', () => {
    expect(change({ externalIds: 'inventar = T-2' })).toEqual({ change: { externalIds: { inventar: 'T-2', sap: null } } });
    expect(change({ externalIds: '' })).toEqual({ change: { externalIds: null } });
  });

  it('names the field that cannot be read', () => {
    expect(change({ expectedInterval: 'bald' })).toEqual({ field: 'expectedInterval', line: 'bald' });
    expect(change({ externalIds: 'nichts' })).toEqual({ field: 'externalIds', line: 'nichts' });
  });
});
