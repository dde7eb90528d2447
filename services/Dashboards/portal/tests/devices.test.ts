import { describe, expect, it } from 'vitest';
import { coordinate } from '../src/forms/place-picker.tsx';
import { idOf, isDevEui } from '../src/data/devices.ts';

describe('idOf', () => {
  it.each([
    ['Pegel Mühlbach', 'pegel-muehlbach'],
    ['  Straße & Größe ', 'strasse-groesse'],
    ['Café Königsallee 12', 'cafe-koenigsallee-12'],
    ['42', 'geraet-42'],
    ['???', 'geraet-1'],
    ['a'.repeat(80), 'a'.repeat(60)],
  ])('makes %s an id', (name, id) => expect(idOf(name)).toBe(id));

  it('makes what the platform takes for an id', () => {
    for (const name of ['Pegel -- 7', '-x-', 'Ä', '1 2 3', `${'lang '.repeat(30)}`])
      expect(idOf(name)).toMatch(/^(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
  });
});

describe('isDevEui', () => {
  it('knows sixteen hexadecimal digits', () => {
    expect(isDevEui('70B3D57ED0000001')).toBe(true);
    expect(isDevEui('pegel-1')).toBe(false);
  });
});

describe('coordinate', () => {
  it('takes comma and point', () => {
    expect(coordinate(' 51,9012 ', 90)).toBe(51.9012);
    expect(coordinate('-8.5', 180)).toBe(-8.5);
  });

  it.each(['', ' ', '91', 'x', '1,2,3', 'NaN', 'Infinity'])('refuses %s', text => expect(coordinate(text, 90)).toBeNull());
});
