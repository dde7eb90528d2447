import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { loadInbox, removeDevice, renewKey, replaceHardware } from '../data/device-registry.ts';
import { isDevEui } from '../data/devices.ts';
import { Refused } from '../data/http.ts';
import { Copyable } from '../forms/copyable.tsx';
import { go } from '../state.ts';
import { ProfileSelect } from './about-card.tsx';
import { Card, type CardProps } from './card.tsx';
import { counts, found, mayManage, notice } from './registry.ts';
import { Field, useTask, Whole } from './task.tsx';
import { words } from './words.ts';

type Doing = 'replace' | 'renew' | 'remove' | null;

/** Another device in this one's place, another key, and the end of it. */
export function HardwareCard({ device, changed }: CardProps) {
  const w = words.value;
  const doing = useSignal<Doing>(null);
  const done = useSignal<{ said: string; key: string } | null>(null);
  if (!mayManage.value) return null;
  const props = { device, changed, close: () => { doing.value = null; }, told: (said: string, key: string) => { doing.value = null; done.value = { said, key }; } };
  return (
    <Card name="hardware" title={w.hardwareTitle}>
      {done.value && (
        <div class="new-key" role="status">
          {done.value.said !== '' && <p><b>{done.value.said}</b></p>}
          <dl class="copyables"><Copyable name={w.deviceKey} value={done.value.key} /></dl>
          <p class="more">{w.keyOnce}</p>
        </div>
      )}
      {doing.value === null && (
        <p class="step-actions">
          <button type="button" onClick={() => { doing.value = 'replace'; done.value = null; }}>{w.replace}</button>
          <button type="button" onClick={() => { doing.value = 'renew'; done.value = null; }}>{w.renew}</button>
          <button type="button" class="danger" onClick={() => { doing.value = 'remove'; done.value = null; }}>{w.remove}</button>
        </p>
      )}
      {doing.value === 'replace' && <Replace {...props} />}
      {doing.value === 'renew' && <Renew {...props} />}
      {doing.value === 'remove' && <Remove {...props} />}
    </Card>
  );
}

interface DoingProps extends CardProps { close(): void; told(said: string, key: string): void }

function Replace({ device, changed, close, told }: DoingProps) {
  const w = words.value;
  const devEui = useSignal('');
  const profile = useSignal('');
  const text = useSignal('');
  const lacking = useSignal<string[]>([]);
  const allowed = useSignal(false);
  const senders = useSignal<{ name: string; deviceId?: string }[]>([]);
  const task = useTask(['devEui', 'profile', 'text']);
  useEffect(() => { loadInbox(false).then(({ items }) => { senders.value = items.filter(({ name }) => isDevEui(name)); }).catch(() => { /* It can be typed. */ }); }, []);

  async function replace(event: Event): Promise<void> {
    event.preventDefault();
    const key = { value: '' };
    const isDone = await task.run(async () => {
      try {
        key.value = await replaceHardware(device.id, {
          ...(devEui.value.trim() !== '' && { devEui: devEui.value.trim() }),
          ...(profile.value !== '' && { profile: profile.value }),
          ...(text.value.trim() !== '' && { text: text.value.trim() }),
          ...(allowed.value && { allowMissing: true }),
        });
      } catch (fault) {
        if (!(fault instanceof Refused && fault.kind === 'fields_missing')) throw fault;
        lacking.value = Object.keys(fault.problem.errors ?? {});
      }
    });
    if (!isDone || key.value === '') return;
    told(w.replaced, key.value);
    await changed();
  }

  const fault = (name: string): string | undefined => task.faults?.fields[name];
  return (
    <form class="part-form" noValidate onSubmit={event => void replace(event)}>
      <p>{w.replaceIntro}</p>
      <Field id="replace-deveui" name={w.newDevEui} hint={w.newDevEuiHint} fault={fault('devEui')}>
        {aria => <input {...aria} list="senders" spellcheck={false} autocomplete="off" value={devEui.value} onInput={event => { devEui.value = event.currentTarget.value; }} />}
      </Field>
      <datalist id="senders">{senders.value.map(({ name, deviceId }) => <option key={name} value={name}>{deviceId ?? name}</option>)}</datalist>
      <Field id="replace-profile" name={w.newProfile} fault={fault('profile')}>
        {aria => <ProfileSelect aria={aria} value={profile.value} empty={w.sameProfile} change={event => { profile.value = event.currentTarget.value; lacking.value = []; allowed.value = false; }} />}
      </Field>
      <Field id="replace-text" name={w.replaceText} fault={fault('text')}>
        {aria => <input {...aria} maxLength={2000} value={text.value} onInput={event => { text.value = event.currentTarget.value; }} />}
      </Field>
      {lacking.value.length > 0 && (
        <div class="fault-box" role="alert">
          <p>{w.lacks}</p>
          <ul>{lacking.value.map(field => <li key={field}>{field}</li>)}</ul>
          <label class="tick"><input type="checkbox" checked={allowed.value} onChange={event => { allowed.value = event.currentTarget.checked; }} /> {w.allowMissing}</label>
        </div>
      )}
      <Whole faults={task.faults} />
      <p class="step-actions">
        <button class="primary" disabled={task.busy || (lacking.value.length > 0 && !allowed.value)}>{task.busy ? w.saving : w.replaceNow}</button>
        <button type="button" onClick={close}>{w.cancel}</button>
      </p>
    </form>
  );
}

function Renew({ device, close, told }: DoingProps) {
  const w = words.value;
  const task = useTask();
  return (
    <div class="part-form">
      <p>{w.renewIntro}</p>
      <Whole faults={task.faults} />
      <p class="step-actions">
        <button type="button" class="primary" disabled={task.busy} onClick={() => void task.run(async () => told('', await renewKey(device.id)))}>{task.busy ? w.saving : w.renewNow}</button>
        <button type="button" onClick={close}>{w.cancel}</button>
      </p>
    </div>
  );
}

/** What cannot be undone, and takes every reading along, is confirmed by more than a click. */
function Remove({ device, close }: DoingProps) {
  const w = words.value;
  const typed = useSignal('');
  const task = useTask();

  async function remove(event: Event): Promise<void> {
    event.preventDefault();
    if (!(await task.run(() => removeDevice(device.id)))) return;
    found.value = null;
    counts.value = null;
    notice.value = w.removed(device.name);
    go({ device: null });
  }

  return (
    <form class="part-form danger-form" onSubmit={event => void remove(event)}>
      <p>{w.removeIntro}</p>
      <Field id="remove-id" name={w.removeType(device.id)} fault={undefined}>
        {aria => <input {...aria} spellcheck={false} autocomplete="off" value={typed.value} onInput={event => { typed.value = event.currentTarget.value; }} />}
      </Field>
      <Whole faults={task.faults} />
      <p class="step-actions">
        <button class="danger" disabled={task.busy || typed.value.trim() !== device.id}>{task.busy ? w.saving : w.removeNow}</button>
        <button type="button" onClick={close}>{w.cancel}</button>
      </p>
    </form>
  );
}
