/** What the platform has against something that was sent, in words that people understand. */

import { Refused } from '../data/http.ts';
import { language, type Language } from '../text.ts';
import { words } from './words.ts';

type Saying = [pattern: RegExp, german: (...parts: string[]) => string, english: (...parts: string[]) => string];

/** The API's reasons, which are written for programmers; what is not among them is shown as it is. */
const sayings: Saying[] = [
  [/^is missing$/, () => 'fehlt', () => 'is missing'],
  [/^is empty$/, () => 'ist leer', () => 'is empty'],
  [/^must have at most (\d+) characters$/, n => `darf höchstens ${n} Zeichen haben`, n => `may have at most ${n} characters`],
  [/^must not have control characters$/, () => 'enthält unsichtbare Steuerzeichen', () => 'has invisible control characters'],
  [/^must be 16 hexadecimal digits$/, () => 'besteht aus 16 Zeichen: Ziffern und Buchstaben A bis F', () => 'has 16 characters: digits and the letters A to F'],
  [/^is the one that it has already$/, () => 'ist die, die das Gerät schon hat', () => 'is the one that the device has already'],
  [/^there is no device profile '(.*?)'/, p => `Einen Gerätetyp „${p}“ gibt es nicht`, p => `there is no kind of device “${p}”`],
  [/^must be degrees, -(\d+) to \d+$/, n => `muss eine Zahl in Grad sein, von −${n} bis ${n}`, n => `must be a number of degrees, −${n} to ${n}`],
  [/^(?:longitude|latitude) \(.*\) must be/, () => 'liegt nicht auf der Erde: Breite −90 bis 90, Länge −180 bis 180', () => 'is not on Earth: latitude −90 to 90, longitude −180 to 180'],
  [/^is missing where longitude is given$/, () => 'fehlt, obwohl die Länge angegeben ist', () => 'is missing though the longitude is given'],
  [/^is missing where latitude is given$/, () => 'fehlt, obwohl die Breite angegeben ist', () => 'is missing though the latitude is given'],
  [/^is also in line (\d+)$/, n => `steht schon in Zeile ${n}`, n => `is in line ${n} already`],
  [/^belongs to device '(.*)'$/, d => `gehört schon dem Gerät „${d}“`, d => `belongs to the device “${d}” already`],
  [/^belongs to line (\d+)$/, n => `steht schon in Zeile ${n}`, n => `is in line ${n} already`],
  [/^has more cells than there are headings$/, () => 'hat mehr Zellen, als es Überschriften gibt', () => 'has more cells than there are headings'],
  [/^must be a whole number of seconds/, () => 'muss eine ganze Zahl von Sekunden sein, höchstens ein Jahr', () => 'must be a whole number of seconds, at most a year'],
  [/^'(.*)' must have at most 40 lower-case/, t => `„${t}“ geht nicht: höchstens 40 Kleinbuchstaben, Ziffern und Bindestriche`, t => `“${t}” will not do: at most 40 lower-case letters, digits and dashes`],
  [/^must be at most (\d+)$/, n => `höchstens ${n}`, n => `at most ${n}`],
  [/^must consist of lower-case letters, digits and dashes/, () => 'darf nur Kleinbuchstaben, Ziffern und Bindestriche haben, und nicht nur Ziffern', () => 'may have lower-case letters, digits and dashes only, and not digits alone'],
  [/^must (?:consist of|be called by) lower-case letters, digits, dots/, () => 'darf nur Kleinbuchstaben, Ziffern, Punkte und Striche haben', () => 'may have lower-case letters, digits, dots and dashes only'],
  [/^is missing; say what was done$/, () => 'fehlt: bei „anderes“ bitte schreiben, was getan wurde', () => 'is missing: with “other”, please say what was done'],
  [/^must be hexadecimal text/, () => 'müssen paarweise aus 0–9 und A–F bestehen, höchstens 242 Bytes', () => 'must be pairs of 0–9 and A–F, at most 242 bytes'],
  [/^must be a whole number from (\d+) to (\d+)/, (a, b) => `muss eine ganze Zahl von ${a} bis ${b} sein`, (a, b) => `must be a whole number from ${a} to ${b}`],
  [/^is not in '(.*?)'/, p => `fehlt im Gerätetyp „${p}“`, p => `is missing in “${p}”`],
  [/^a quotation mark in line (\d+) is never closed$/, n => `Ein Anführungszeichen in Zeile ${n} wird nie geschlossen.`, n => `A quotation mark in line ${n} is never closed.`],
  [/^it is empty;/, () => 'Sie ist leer; in der ersten Zeile stehen die Überschriften.', () => 'It is empty; the first line has the headings.'],
  [/^it has (\d+) rows; at most (\d+)/, (n, most) => `Sie hat ${n} Zeilen; höchstens ${most} auf einmal.`, (n, most) => `It has ${n} rows; at most ${most} at once.`],
  [/^it has (\d+) columns; at most (\d+)/, (n, most) => `Sie hat ${n} Spalten; höchstens ${most}.`, (n, most) => `It has ${n} columns; at most ${most}.`],
  [/^it has no column 'id'/, () => 'Ihr fehlt die Spalte „Kennung“.', () => 'It has no column “id”.'],
  [/^it has the column '(.*)' twice$/, c => `Sie hat die Spalte „${c}“ doppelt.`, c => `It has the column “${c}” twice.`],
  [/^it must be JPEG, PNG or WebP$/, () => 'Geeignet sind JPEG, PNG und WebP.', () => 'JPEG, PNG and WebP are fine.'],
];

/** One reason in the visitor's language. */
export function inWords(reason: string, speaking: Language = language.value): string {
  for (const [pattern, german, english] of sayings) {
    const match = pattern.exec(reason);
    if (match) return (speaking === 'de' ? german : english)(...match.slice(1));
  }
  return reason;
}

const general: Record<string, [german: string, english: string]> = {
  unauthorized: ['Ihre Anmeldung gilt nicht mehr. Bitte melden Sie sich neu an.', 'You are not signed in any more. Please sign in again.'],
  forbidden: ['Dazu reicht die Berechtigung Ihres Schlüssels nicht. Fragen Sie nach einem mit „devices:manage“.', 'Your key may not do this. Ask for one with “devices:manage”.'],
  unknown_device: ['Dieses Gerät gibt es nicht mehr.', 'This device is gone.'],
  device_exists: ['Ein Gerät mit dieser Kennung gibt es schon.', 'There is a device with this id already.'],
  dev_eui_taken: ['Diese DevEUI gehört schon einem anderen Gerät.', 'Another device has this DevEUI.'],
  changed_meanwhile: ['Jemand anderes hat das Gerät gerade geändert. Bitte versuchen Sie es noch einmal.', 'Somebody else has just changed the device. Please try again.'],
  state_not_allowed: ['Der Zustand hat sich inzwischen geändert. Bitte sehen Sie noch einmal nach.', 'The state has changed meanwhile. Please look again.'],
  not_in_inbox: ['Dieser Sender steht nicht mehr in der Liste; vielleicht hat ihn jemand anderes angeschlossen.', 'This sender is no longer in the list; somebody else may have connected it.'],
  too_large: ['Das ist zu groß.', 'This is too large.'],
  too_many_downlinks: ['Für dieses Gerät warten schon zu viele Befehle. Nehmen Sie einen zurück, oder warten Sie.', 'Too many commands wait for this device. Take one back, or wait.'],
  no_downlink_now: ['Der Zustand des Geräts oder des Befehls lässt das nicht zu.', 'The state of the device or the command does not allow this.'],
};

/** Why something was not done: as a whole, and by the field at fault. */
export interface Faults { whole: string; fields: Record<string, string> }

/** What `fault` says; fields by their path, whose first part is the field of a form. */
export function faultsOf(fault: unknown, known: readonly string[] = []): Faults {
  const speaking = language.value;
  const failed = speaking === 'de' ? 'Das hat gerade nicht geklappt. Bitte versuchen Sie es noch einmal.' : 'That did not work just now. Please try again.';
  if (!(fault instanceof Refused)) return { whole: failed, fields: {} };
  const fields: Record<string, string> = {};
  const rest: string[] = [];
  for (const [path, reasons] of Object.entries(fault.problem.errors ?? {})) {
    const field = path.split('.')[0]!;
    const said = reasons.map(reason => inWords(reason, speaking)).join('; ');
    if (known.includes(field)) fields[field] = [fields[field], said].filter(Boolean).join('; ');
    else rest.push(`${fieldName(field)}: ${said}`);
  }
  const kind = general[fault.kind]?.[speaking === 'de' ? 0 : 1];
  const { field } = fault.problem;
  if (field && known.includes(field)) fields[field] ??= kind ?? inWords(fault.detail, speaking);
  if (rest.length > 0) return { whole: rest.join(' '), fields };
  if (Object.keys(fields).length > 0) return { whole: speaking === 'de' ? 'Bitte berichtigen Sie die markierten Angaben.' : 'Please mend what is marked.', fields };
  return { whole: kind ?? (fault.detail === '' ? failed : inWords(fault.detail, speaking)), fields };
}

export const fieldName = (column: string): string => words.value.columnNames[column] ?? column;
