import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { changeState, loadStates, type State, type StateHistory } from '../data/device-registry.ts';
import { now } from '../state.ts';
import { language } from '../text.ts';
import { Card, type CardProps } from './card.tsx';
import { StateMark } from './marks.tsx';
import { moment } from './plain.ts';
import { mayManage } from './registry.ts';
import { Field, useTask, Whole } from './task.tsx';
import { words } from './words.ts';

/** The device's state, what people may make of it, and how it came to be. */
export function StateCard({ device, changed }: CardProps) {
  const w = words.value;
  const states = useSignal<StateHistory | null>(null);
  const wanted = useSignal<State | null>(null);
  const reason = useSignal('');
  const task = useTask(['reason']);

  async function read(): Promise<void> {
    try { states.value = await loadStates(device.id); } catch { /* What is allowed is told when it is tried. */ }
  }
  useEffect(() => { void read(); }, [device.stateSince]);

  async function change(event: Event): Promise<void> {
    event.preventDefault();
    const to = wanted.value!;
    if (await task.run(() => changeState(device.id, to, reason.value.trim()))) {
      wanted.value = null;
      reason.value = '';
      await changed();
    } else {
      await Promise.all([read(), changed()]);
    }
  }

  return (
    <Card name="state" title={w.stateTitle}>
      <p class="state-now"><StateMark state={device.state} /> <span class="more">{w.sinceTime(moment(device.stateSince, now.value, language.value))} · {w.stateHelp[device.state]}</span></p>
      {mayManage.value && wanted.value === null && (
        <p class="step-actions">
          {states.value?.allowed.map(to => <button key={to} type="button" onClick={() => { wanted.value = to; }}>{w.changeTo[to] ?? to}</button>)}
        </p>
      )}
      {wanted.value && (
        <form class="part-form" onSubmit={event => void change(event)}>
          <p><b>{w.changeTo[wanted.value]}</b><br />{w.changeHelp[wanted.value]}</p>
          <Field id="state-reason" name={w.reason} fault={task.faults?.fields['reason']}>
            {aria => <input {...aria} maxLength={500} value={reason.value} onInput={event => { reason.value = event.currentTarget.value; }} />}
          </Field>
          <Whole faults={task.faults} />
          <p class="step-actions">
            <button class="primary" disabled={task.busy}>{task.busy ? w.saving : w.changeTo[wanted.value]}</button>
            <button type="button" onClick={() => { wanted.value = null; }}>{w.cancel}</button>
          </p>
        </form>
      )}
      {(states.value?.history.length ?? 0) > 0 && (
        <details>
          <summary>{w.stateHistory}</summary>
          <ul class="log">
            {states.value!.history.map(({ at, from, to, by, reason: why }) => (
              <li key={at}>
                <b>{w.changed(w.states[from] ?? from, w.states[to] ?? to)}</b>{' '}
                <span class="more">{moment(at, now.value, language.value)} · {by === 'platform' ? w.byPlatform : w.by(by)}</span>
                {why && <p>{why}</p>}
              </li>
            ))}
          </ul>
        </details>
      )}
    </Card>
  );
}
