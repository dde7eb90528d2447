import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { loadProfiles, suggest, type Profile, type Suggestion } from '../data/devices.ts';
import { valueInWords } from '../reading/display.ts';
import { readableUnit } from '../reading/units.ts';
import { language } from '../text.ts';
import { kind, sender } from './guide.ts';
import { words } from './words.ts';

const mostSuggested = 3;
const mostFound = 30;

/** Suggests what the device may be, with what its message would say then. */
export function KindStep() {
  const w = words.value;
  const device = sender.value!;
  const suggested = useSignal<Suggestion[] | null>(null);
  const profiles = useSignal<Profile[]>([]);
  const failed = useSignal(false);

  useEffect(() => {
    suggest(device).then(found => { suggested.value = found.slice(0, mostSuggested); }).catch(() => { suggested.value = []; failed.value = true; });
    loadProfiles().then(all => { profiles.value = all; }).catch(() => { failed.value = true; });
  }, [device]);

  if (suggested.value === null) return <p role="status">{w.trying}</p>;
  return (
    <>
      {failed.value && <p class="fault" role="alert">{w.failed}</p>}
      <p>{suggested.value.length > 0 ? w.kindHint : w.noSuggestion}</p>
      <ul class="kinds">
        {suggested.value.map(one => (
          <li key={one.profile}>
            <button type="button" class="option" onClick={() => { kind.value = { id: one.profile, name: one.name }; }}>
              <strong>{one.name}</strong>
              <span>{[one.vendor, one.model].filter(Boolean).join(' ')}{one.vendor || one.model ? ' · ' : ''}{one.score >= 0.8 ? w.fits.well : one.score >= 0.6 ? w.fits.fair : w.fits.maybe}</span>
              <Values suggestion={one} />
            </button>
          </li>
        ))}
      </ul>
      <OtherKinds profiles={profiles.value} isOpen={suggested.value.length === 0} />
    </>
  );
}

function Values({ suggestion }: { suggestion: Suggestion }) {
  return (
    <span class="values-of-kind">
      {suggestion.observations.map(({ field, name, nameEn, value, unit }) => {
        const { unit: shown, factor } = readableUnit(unit ?? '');
        return (
          <span key={field}>
            {language.value === 'en' && nameEn ? nameEn : name}{' '}
            <b>{valueInWords(typeof value === 'number' ? value * factor : value, { unit: shown, quantity: field }, language.value)}</b>
          </span>
        );
      })}
    </span>
  );
}

function OtherKinds({ profiles, isOpen }: { profiles: Profile[]; isOpen: boolean }) {
  const w = words.value;
  const search = useSignal('');
  const parts = search.value.toLocaleLowerCase('de').split(/\s+/).filter(Boolean);
  const found = profiles.filter(profile => {
    const text = `${profile.id} ${profile.name} ${profile.vendor ?? ''} ${profile.model ?? ''}`.toLocaleLowerCase('de');
    return parts.every(part => text.includes(part));
  }).slice(0, mostFound);
  return (
    <details class="other-kinds" open={isOpen}>
      <summary>{w.otherKind}</summary>
      <label for="find-kind">{w.findKind}</label>
      <input id="find-kind" type="search" value={search.value} onInput={event => { search.value = event.currentTarget.value; }} />
      {found.length === 0 && <p class="more">{w.noKind}</p>}
      <ul class="kind-list">
        {found.map(profile => (
          <li key={profile.id}>
            <button type="button" class="option" onClick={() => { kind.value = { id: profile.id, name: profile.name }; }}>
              <strong>{profile.name}</strong>
              <span>{[profile.vendor, profile.model].filter(Boolean).join(' ')}</span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
