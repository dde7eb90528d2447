/** The licences that German open data uses, by their address or short code (DCAT-AP.de's list, Creative Commons). */

import type { Language } from '../text.ts';

const known: { matches: RegExp; name: Record<Language, string>; href: string }[] = [
  {
    matches: /dl-(by-de|de-by|de\/by)[-/]2[.-]0|dl-by-de-2/i, href: 'https://www.govdata.de/dl-de/by-2-0',
    name: { de: 'Datenlizenz Deutschland – Namensnennung 2.0', en: 'Data licence Germany – attribution 2.0' },
  },
  {
    matches: /dl-(zero-de|de-zero|de\/zero)[-/]2[.-]0|dl-zero-de/i, href: 'https://www.govdata.de/dl-de/zero-2-0',
    name: { de: 'Datenlizenz Deutschland – Zero 2.0', en: 'Data licence Germany – Zero 2.0' },
  },
  { matches: /cc-?(zero|0)|publicdomain\/zero/i, href: 'https://creativecommons.org/publicdomain/zero/1.0/', name: { de: 'CC0 1.0', en: 'CC0 1.0' } },
  { matches: /cc-?by-?sa|licenses\/by-sa\/4/i, href: 'https://creativecommons.org/licenses/by-sa/4.0/', name: { de: 'CC BY-SA 4.0', en: 'CC BY-SA 4.0' } },
  { matches: /cc-?by|licenses\/by\/4/i, href: 'https://creativecommons.org/licenses/by/4.0/', name: { de: 'CC BY 4.0', en: 'CC BY 4.0' } },
];

/** The licence's name and address; null where none is stated. An unknown one is shown as it came. */
export function licenceOf(stated: string, language: Language): { name: string; href: string | null } | null {
  if (stated === '') return null;
  const licence = known.find(candidate => candidate.matches.test(stated));
  if (licence) return { name: licence.name[language], href: licence.href };
  return { name: stated, href: /^https?:\/\//.test(stated) ? stated : null };
}
