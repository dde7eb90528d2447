import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { addMaintenance, loadMaintenance, loadNext, maintenanceKinds, type Maintenance, type Page } from '../data/device-registry.ts';
import { now } from '../state.ts';
import { language } from '../text.ts';
import { Card, type CardProps } from './card.tsx';
import { moment } from './plain.ts';
import { Older } from './problems-card.tsx';
import { mayManage } from './registry.ts';
import { Field, useTask, Whole } from './task.tsx';
import { words } from './words.ts';

/** A time as `<input type="datetime-local">` has it, of this clock. */
function localTime(time: number): string {
  const at = new Date(time);
  return new Date(time - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What was done to the device, and the form to note what was done just now. */
export function MaintenanceCard({ device }: CardProps) {
  const w = words.value;
  const page = useSignal<Page<Maintenance> | 'failed' | null>(null);
  const writing = useSignal(false);
  const done = useSignal(false);
  const kind = useSignal<string>(maintenanceKinds[0]);
  const text = useSignal('');
  const at = useSignal('');
  const task = useTask(['kind', 'text', 'at']);

  const get = (loading: Promise<Page<Maintenance>>, before: Maintenance[] = []): Promise<void> =>
    loading.then(({ items, next }) => { page.value = { items: [...before, ...items], ...(next && { next }) }; }).catch(() => { page.value ??= 'failed'; });
  // A replacement writes into the log, too.
  useEffect(() => { void get(loadMaintenance(device.id)); }, [device.devEui]);

  async function add(event: Event): Promise<void> {
    event.preventDefault();
    const entry = { kind: kind.value, ...(text.value.trim() !== '' && { text: text.value.trim() }), ...(at.value !== '' && { at: new Date(at.value).toISOString() }) };
    if (!(await task.run(() => addMaintenance(device.id, entry)))) return;
    writing.value = false;
    done.value = true;
    text.value = '';
    await get(loadMaintenance(device.id));
  }

  const list = page.value;
  return (
    <Card name="maintenance" title={w.maintenanceTitle}>
      {mayManage.value && !writing.value && (
        <p class="step-actions"><button type="button" onClick={() => { writing.value = true; done.value = false; at.value = localTime(Date.now()); }}>{w.addMaintenance}</button></p>
      )}
      <p role="status" class="said">{done.value ? w.maintenanceSaved : ''}</p>
      {writing.value && (
        <form class="part-form" onSubmit={event => void add(event)}>
          <Field id="maintenance-kind" name={w.maintenanceKind} fault={task.faults?.fields['kind']}>
            {aria => (
              <select {...aria} value={kind.value} onChange={event => { kind.value = event.currentTarget.value; }}>
                {maintenanceKinds.map(one => <option key={one} value={one}>{w.maintenanceKinds[one]}</option>)}
              </select>
            )}
          </Field>
          <Field id="maintenance-text" name={w.maintenanceText} {...(kind.value === 'other' && { hint: w.maintenanceTextHint })} fault={task.faults?.fields['text']}>
            {aria => <textarea {...aria} rows={3} maxLength={2000} value={text.value} onInput={event => { text.value = event.currentTarget.value; }} />}
          </Field>
          <Field id="maintenance-at" name={w.maintenanceAt} fault={task.faults?.fields['at']}>
            {aria => <input {...aria} type="datetime-local" value={at.value} onInput={event => { at.value = event.currentTarget.value; }} />}
          </Field>
          <Whole faults={task.faults} />
          <p class="step-actions">
            <button class="primary" disabled={task.busy}>{task.busy ? w.saving : w.save}</button>
            <button type="button" onClick={() => { writing.value = false; }}>{w.cancel}</button>
          </p>
        </form>
      )}
      {list === 'failed' ? <p class="fault" role="alert">{w.failed}</p>
        : list === null ? <p class="more">…</p>
        : list.items.length === 0 ? <p class="more">{w.noMaintenance}</p>
        : (
          <>
            <ul class="log">
              {list.items.map(entry => (
                <li key={entry.id}>
                  <b>{w.maintenanceKinds[entry.kind] ?? entry.kind}</b> <span class="more">{moment(entry.at, now.value, language.value)} · {w.by(entry.by)}</span>
                  {entry.text && <p>{entry.text}</p>}
                </li>
              ))}
            </ul>
            <Older page={list} more={next => void get(loadNext<Maintenance>(next), list.items)} />
          </>
        )}
    </Card>
  );
}
