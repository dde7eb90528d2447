import { useSignal } from '@preact/signals';
import { loadNext, loadPastConditions, type Condition, type Page } from '../data/device-registry.ts';
import { now } from '../state.ts';
import { language } from '../text.ts';
import { Icon } from '../shell/icons.tsx';
import { Card, type CardProps } from './card.tsx';
import { adviceOn, conditionInWords, moment } from './plain.ts';
import { words } from './words.ts';

/** What is wrong with the device and what to do about it; and what was. */
export function ProblemsCard({ device }: CardProps) {
  const w = words.value;
  return (
    <Card name="problems" title={w.problemsTitle}>
      {device.conditions.length === 0 && <p>{w.noProblems}</p>}
      <ul class="problems">
        {device.conditions.map(condition => (
          <li key={condition.kind}>
            <h3><Icon sign={condition.kind === 'battery-low' ? 'battery' : 'suspect'} /> {w.kinds[condition.kind] ?? condition.kind} <span class="more">{w.sinceTime(moment(condition.since, now.value, language.value))}</span></h3>
            <p>{conditionInWords(condition, w, now.value, language.value)}</p>
            <p class="more">{adviceOn(condition.kind, w)}</p>
          </li>
        ))}
      </ul>
      <Past id={device.id} />
    </Card>
  );
}

function Past({ id }: { id: string }) {
  const w = words.value;
  const page = useSignal<Page<Condition> | 'failed' | null>(null);
  const get = (loading: Promise<Page<Condition>>, before: Condition[] = []): void => {
    loading.then(({ items, next }) => { page.value = { items: [...before, ...items], ...(next && { next }) }; }).catch(() => { page.value = 'failed'; });
  };
  return (
    <details onToggle={event => { if (event.currentTarget.open && (page.value === null || page.value === 'failed')) get(loadPastConditions(id)); }}>
      <summary>{w.pastProblems}</summary>
      {page.value === 'failed' ? <p class="fault" role="alert">{w.failed}</p>
        : page.value && (page.value.items.length === 0 ? <p class="more">{w.noPast}</p> : (
          <>
            <ul class="log">
              {page.value.items.map(({ kind, since, until }) => (
                <li key={kind + since}><b>{w.kinds[kind] ?? kind}</b> <span class="more">{until ? w.fromTo(moment(since, now.value, language.value), moment(until, now.value, language.value)) : ''}</span></li>
              ))}
            </ul>
            <Older page={page.value} more={next => get(loadNext<Condition>(next), page.value && page.value !== 'failed' ? page.value.items : [])} />
          </>
        ))}
    </details>
  );
}

/** The step to what came before, where there is more. */
export function Older({ page, more }: { page: Page<unknown>; more(next: string): void }) {
  return page.next ? <button type="button" class="quiet" onClick={() => more(page.next!)}>{words.value.older}</button> : null;
}
