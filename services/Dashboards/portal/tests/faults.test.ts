import { beforeEach, describe, expect, it } from 'vitest';
import { Refused, Unavailable } from '../src/data/http.ts';
import { faultsOf, inWords } from '../src/devices/faults.ts';
import { language } from '../src/text.ts';

beforeEach(() => { language.value = 'de'; });

describe('inWords', () => {
  it.each([
    ['is missing', 'fehlt'],
    ['must be 16 hexadecimal digits', 'besteht aus 16 Zeichen: Ziffern und Buchstaben A bis F'],
    ["there is no device profile 'x'; PUT /a/device-profiles/x makes it", 'Einen Gerätetyp „x“ gibt es nicht'],
    ["belongs to device 'pegel-1'", 'gehört schon dem Gerät „pegel-1“'],
    ['must be degrees, -90 to 90', 'muss eine Zahl in Grad sein, von −90 bis 90'],
    ["it has no column 'id' (Kennung)", 'Ihr fehlt die Spalte „Kennung“.'],
  ])('says %s', (reason, said) => {
    expect(inWords(reason, 'de')).toBe(said);
    expect(inWords(reason, 'en')).not.toBe(said);
  });

  it('leaves what it does not know', () => expect(inWords('is odd', 'de')).toBe('is odd'));
});

describe('faultsOf', () => {
  const refused = (problem: object, status = 422) => new Refused(status, { type: 'urn:allmende:error:invalid_device', ...problem });

  it('puts what is wrong beside its field', () => {
    const faults = faultsOf(refused({ errors: { name: ['is empty'], 'externalIds.SAP': ['must be called by lower-case letters, digits, dots, dashes and underscores'] } }), ['name', 'externalIds']);
    expect(faults.fields).toEqual({ name: 'ist leer', externalIds: 'darf nur Kleinbuchstaben, Ziffern, Punkte und Striche haben' });
    expect(faults.whole).toBe('Bitte berichtigen Sie die markierten Angaben.');
  });

  it('tells of fields that the form has not', () =>
    expect(faultsOf(refused({ errors: { location: ['is missing'] } }), ['name'])).toEqual({ whole: 'Ort: fehlt', fields: {} }));

  it('knows the errors with one field', () =>
    expect(faultsOf(refused({ type: 'urn:allmende:error:dev_eui_taken', detail: 'the DevEUI … belongs to another device', field: 'devEui' }, 409), ['devEui']).fields)
      .toEqual({ devEui: 'Diese DevEUI gehört schon einem anderen Gerät.' }));

  it('says so when somebody may not', () =>
    expect(faultsOf(refused({ type: 'urn:allmende:error:forbidden', title: 'This is not allowed with the rights you have' }, 403)).whole).toContain('reicht die Berechtigung Ihres Schlüssels nicht'));

  it('is calm when nothing answers', () => expect(faultsOf(new Unavailable(0, '/x')).whole).toContain('Bitte versuchen Sie es noch einmal'));
});
