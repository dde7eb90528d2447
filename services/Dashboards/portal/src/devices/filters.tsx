import { useSignal } from '@preact/signals';
import type { Address, Sort } from '../address.ts';
import { conditionKinds, states, type DevicesOf } from '../data/device-registry.ts';
import { number } from '../reading/units.ts';
import { Icon } from '../shell/icons.tsx';
import { address, go } from '../state.ts';
import { language } from '../text.ts';
import { counts, profileName, selection } from './registry.ts';
import { filtersOf, withoutFilters } from './selection.ts';
import { words } from './words.ts';

/** The states with how many devices are in each, to choose from. */
export function StateChoice() {
  const w = words.value;
  const { state, condition } = address.value;
  const known = counts.value;
  const figure = (n: number | null | undefined): string => (n === undefined ? '…' : n === null ? '' : number(n, language.value, 0));
  // States are counted among those with the problem that is asked for, which is no number of all.
  const all = condition !== '' ? null : known ? Object.values(known.states).reduce((sum, n) => sum + n, 0) : undefined;
  const choice = (name: string, title: string, count: number | null | undefined, isOn: boolean, change: Partial<Address>, help?: string) => (
    <li key={name}>
      <button type="button" class={`choice-${name}`} aria-pressed={isOn} title={help} data-none={count === 0 || undefined} onClick={() => go(change)}>
        {title} <b>{figure(count)}</b>
      </button>
    </li>
  );
  return (
    <ul class="state-choice" aria-label={w.statesLabel}>
      {choice('all', w.allStates, all, state === '' && condition === '', { state: '', condition: '' })}
      {choice('problems', w.problems, known?.conditions['any'] ?? (known ? 0 : undefined), condition === 'any', { condition: condition === 'any' ? '' : 'any', state: '' })}
      {states.map(one => choice(one, w.states[one]!, known?.states[one], state === one, { state: state === one ? '' : one }, w.stateHelp[one]))}
    </ul>
  );
}

/** Search, filters and order. On a phone the filters are folded away. */
export function Filters() {
  const w = words.value;
  const unfolded = useSignal(false);
  const asked = selection.value;
  const known = counts.value;
  const folded = filtersOf({ ...asked, find: '', state: '' });
  const of = (values: DevicesOf[] | undefined, current: string, name: (value: string) => string = value => value): [string, string][] => {
    const all = (values ?? []).map(({ value, devices }): [string, string] => [value, `${name(value)} (${number(devices, language.value, 0)})`]);
    if (current !== '' && !all.some(([value]) => value === current)) all.push([current, name(current)]);
    return all.sort((a, b) => a[1].localeCompare(b[1], 'de', { numeric: true }));
  };
  return (
    <form class="device-filters" role="search" onSubmit={event => event.preventDefault()}>
      <label class="find-device">
        <span class="unseen">{w.search}</span>
        <Icon sign="search" />
        <input type="search" placeholder={w.searchHint} value={asked.find} onInput={event => go({ find: event.currentTarget.value })} />
      </label>
      <button type="button" class="unfold-filters" aria-expanded={unfolded.value} aria-controls="device-filters" onClick={() => { unfolded.value = !unfolded.value; }}>
        {w.filtersSet(folded)} <Icon sign={unfolded.value ? 'up' : 'down'} />
      </button>
      <div id="device-filters" class={unfolded.value ? 'more-filters unfolded' : 'more-filters'}>
        <Choice name={w.condition} value={asked.condition} any={w.any} change={condition => go({ condition })}
          options={[['any', w.anyProblem], ...conditionKinds.map((kind): [string, string] => [kind, w.kinds[kind]! + (known?.conditions[kind] ? ` (${number(known.conditions[kind], language.value, 0)})` : '')])]} />
        <Choice name={w.tag} value={asked.tag} any={w.any} change={tag => go({ tag })} options={of(known?.tags, asked.tag)} />
        <Choice name={w.group} value={asked.group} any={w.any} change={group => go({ group })} options={of(known?.groups, asked.group)} />
        <Choice name={w.profile} value={asked.profile} any={w.any} change={profile => go({ profile })} options={of(known?.profiles, asked.profile, profileName)} />
        <Choice name={w.department} value={asked.department} any={w.any} change={department => go({ department })} options={of(known?.departments, asked.department)} />
        <Choice name={w.sort} value={asked.sort} change={sort => go({ sort: sort as Sort })} options={Object.entries(w.sorts)} />
        {filtersOf(asked) > 0 && <button type="button" class="quiet" onClick={() => go(withoutFilters())}>{w.reset}</button>}
      </div>
    </form>
  );
}

interface ChoiceProps { name: string; value: string; any?: string; options: [value: string, name: string][]; change(value: string): void }

function Choice({ name, value, any, options, change }: ChoiceProps) {
  return (
    <label class="choice-of">
      <span>{name}</span>
      <select value={value} data-set={(any !== undefined && value !== '') || undefined} onChange={event => change(event.currentTarget.value)}>
        {any !== undefined && <option value="">{any}</option>}
        {options.map(([one, title]) => <option key={one} value={one}>{title}</option>)}
      </select>
    </label>
  );
}
