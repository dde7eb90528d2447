import { beforeEach, describe, expect, it, vi } from 'vitest';

describe('what is shown with every request', () => {
  const kept = new Map<string, string>();
  beforeEach(() => {
    kept.clear();
    vi.resetModules();
    Object.assign(globalThis, { sessionStorage: { getItem: (name: string) => kept.get(name) ?? null, setItem: (name: string, value: string) => void kept.set(name, value), removeItem: (name: string) => void kept.delete(name) } });
  });

  it('is a key, or a token', async () => {
    const { accessHeaders, hasAccess, keepAccess } = await import('../src/data/access-key.ts');
    expect([hasAccess(), accessHeaders()]).toEqual([false, {}]);
    keepAccess('ak_abc');
    expect(accessHeaders()).toEqual({ 'X-Api-Key': 'ak_abc' });
    keepAccess('eyJh.eyJz.c2ln-_');
    expect(accessHeaders()).toEqual({ Authorization: 'Bearer eyJh.eyJz.c2ln-_' });
    keepAccess(null);
    expect([hasAccess(), kept.size]).toEqual([false, 0]);
  });

  it('is the municipality\'s own', async () => {
    kept.set('access-key.nachbardorf', 'ak_theirs');
    const { hasAccess, keepAccess } = await import('../src/data/access-key.ts');
    expect(hasAccess()).toBe(false);
    keepAccess('ak_ours');
    expect([...kept]).toEqual([['access-key.nachbardorf', 'ak_theirs'], ['access-key.musterstadt', 'ak_ours']]);
  });
});
