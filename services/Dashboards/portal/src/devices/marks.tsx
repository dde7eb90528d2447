import type { Device } from '../data/device-registry.ts';
import { now } from '../state.ts';
import { language } from '../text.ts';
import { Icon, type Sign } from '../shell/icons.tsx';
import { heard, moment } from './plain.ts';
import { words } from './words.ts';

const signs: Record<string, Sign> = { planned: 'late', installed: 'pin', active: 'good', silent: 'stale', faulty: 'bad', retired: 'missing' };

/** A device's state: sign and word, so that nobody needs its colour. */
export function StateMark({ state }: { state: string }) {
  return <span class={`mark-state mark-${state}`}><Icon sign={signs[state] ?? 'missing'} />{words.value.states[state] ?? state}</span>;
}

/** What is wrong with it besides, in a word each. */
export function Problems({ device }: { device: Device }) {
  const kinds = device.conditions.filter(({ kind }) => kind !== 'silent' || device.state !== 'silent');
  if (kinds.length === 0) return null;
  return (
    <ul class="problem-marks">
      {kinds.map(({ kind }) => <li key={kind}><Icon sign={kind === 'battery-low' ? 'battery' : 'suspect'} />{words.value.kinds[kind] ?? kind}</li>)}
    </ul>
  );
}

/** When it was last heard of, in words; the time itself for who points at it. */
export function Heard({ at }: { at: string | undefined }) {
  const said = heard(at, words.value, now.value, language.value);
  return at === undefined ? <span>{said}</span> : <time dateTime={at} title={moment(at, now.value, language.value)}>{said}</time>;
}
