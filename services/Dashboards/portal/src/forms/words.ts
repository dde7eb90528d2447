/** What forms say that several pages have, in German and English. */

import { computed } from '@preact/signals';
import { language } from '../text.ts';

const german = {
  signIn: 'Anmelden',
  accessKey: 'Zugangsschlüssel',
  accessKeyHint: 'beginnt mit ak_',
  signedInUntil: 'Sie bleiben angemeldet, bis Sie diesen Tab schließen.',
  wrongKey: 'Diesen Zugangsschlüssel gibt es nicht, oder er wurde zurückgezogen.',
  copy: 'Kopieren',
  copied: 'Kopiert',
  copyOf: (what: string) => `${what} kopieren`,
  pickOnMap: 'Klicken Sie auf die Stelle, an der das Gerät hängt.',
  pickLabel: 'Karte zum Auswählen des Ortes',
  longitude: 'Länge (Grad Ost)',
  latitude: 'Breite (Grad Nord)',
  myPlace: 'Mein Standort',
  noPlace: 'Der Standort dieses Geräts ist nicht zu ermitteln.',
  failed: 'Das hat gerade nicht geklappt. Bitte versuchen Sie es noch einmal.',
};

type Words = typeof german;

const english: Words = {
  signIn: 'Sign in',
  accessKey: 'Access key',
  accessKeyHint: 'begins with ak_',
  signedInUntil: 'You stay signed in until you close this tab.',
  wrongKey: 'There is no such access key, or it was revoked.',
  copy: 'Copy',
  copied: 'Copied',
  copyOf: what => `Copy ${what}`,
  pickOnMap: 'Click where the device is.',
  pickLabel: 'Map to choose the place',
  longitude: 'Longitude (degrees east)',
  latitude: 'Latitude (degrees north)',
  myPlace: 'Where I am',
  noPlace: 'Where this device is cannot be found out.',
  failed: 'That did not work just now. Please try again.',
};

export const words = computed<Words>(() => (language.value === 'de' ? german : english));
