import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { cancelDownlink, loadDownlinks, loadNext, previewDownlink, sendDownlink, type Downlink, type DownlinkPreview, type NewDownlink, type Page } from '../data/device-registry.ts';
import { now } from '../state.ts';
import { language } from '../text.ts';
import { Card, type CardProps } from './card.tsx';
import { moment } from './plain.ts';
import { Older } from './problems-card.tsx';
import { maySend } from './registry.ts';
import { Field, useTask, Whole } from './task.tsx';
import { Facts } from './technical-card.tsx';
import { words } from './words.ts';

const refreshedEvery = 5_000;
const onTheWay = new Set(['queued', 'sending', 'sent']);

/** What was sent to the device and what became of it; and, for who may, the form that sends something. */
export function DownlinksCard({ device }: CardProps) {
  const w = words.value;
  const page = useSignal<Page<Downlink> | null>(null);
  const open = useSignal(false);
  const said = useSignal('');
  const task = useTask();

  const get = (loading: Promise<Page<Downlink>>, before: Downlink[] = []): Promise<void> =>
    loading.then(({ items, next }) => { page.value = { items: [...before, ...items], ...(next && { next }) }; }).catch(() => { /* What is there stays. */ });
  useEffect(() => { void get(loadDownlinks(device.id)); }, []);
  const waits = page.value?.items.some(({ state }) => onTheWay.has(state)) ?? false;
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(() => { if (!document.hidden) void get(loadDownlinks(device.id)); }, refreshedEvery);
    return () => clearInterval(timer);
  }, [waits]);

  async function takeBack(downlink: Downlink): Promise<void> {
    await task.run(() => cancelDownlink(device.id, downlink.id));
    await get(loadDownlinks(device.id));
  }

  return (
    <Card name="downlinks" title={w.downlinksTitle}>
      {page.value?.items.length === 0 && <p class="more">{w.noDownlinks}</p>}
      <ul class="log">
        {page.value?.items.map(downlink => (
          <li key={downlink.id}>
            <b>{w.downlinkStates[downlink.state] ?? downlink.state}</b>{' '}
            <span class="more">{[moment(downlink.stateSince, now.value, language.value), w.by(downlink.by), downlink.attempts > 0 ? w.tries(downlink.attempts) : ''].filter(Boolean).join(' · ')}</span>
            <p><code>{contentOf(downlink)}</code></p>
            {downlink.reason && <p class="more">{downlink.reason}</p>}
            {downlink.state === 'queued' && maySend.value && <button type="button" class="quiet" disabled={task.busy} onClick={() => void takeBack(downlink)}>{w.takeBack}</button>}
          </li>
        ))}
      </ul>
      {page.value && <Older page={page.value} more={next => void get(loadNext<Downlink>(next), page.value!.items)} />}
      <Whole faults={task.faults} />
      <p role="status" class="said">{said.value}</p>
      {!open.value && <p class="step-actions"><button type="button" onClick={() => { open.value = true; said.value = ''; }}>{w.sendNew}</button></p>}
      {open.value && (maySend.value
        ? <SendForm id={device.id} close={() => { open.value = false; }} sent={async () => { open.value = false; said.value = w.sent; await get(loadDownlinks(device.id)); }} />
        : <p class="read-only" role="alert">{w.sendMayNot}</p>)}
    </Card>
  );
}

const contentOf = ({ fPort, bytes, data }: Pick<Downlink, 'fPort' | 'bytes' | 'data'>): string =>
  [data === undefined ? '' : JSON.stringify(data), bytes ?? '', fPort === undefined ? '' : `FPort ${fPort}`].filter(Boolean).join(' · ');

const validFor = ['3600', '86400', '604800'];

function SendForm({ id, close, sent }: { id: string; close(): void; sent(): Promise<void> }) {
  const w = words.value;
  const as = useSignal<'data' | 'bytes'>('data');
  const data = useSignal('{ }');
  const bytes = useSignal('');
  const port = useSignal('');
  const confirmed = useSignal(false);
  const valid = useSignal(validFor[1]!);
  const ready = useSignal<{ downlink: NewDownlink; preview: DownlinkPreview } | null>(null);
  const task = useTask(['data', 'bytes', 'fPort', 'validFor']);
  const change = (act: () => void): void => { act(); ready.value = null; };

  async function look(event: Event): Promise<void> {
    event.preventDefault();
    const content = as.value === 'data' ? dataOf(data.value) : null;
    if (as.value === 'data' && content === null) { task.fail({ whole: '', fields: { data: w.badJson } }); return; }
    const downlink: NewDownlink = {
      ...(as.value === 'data' ? { data: content } : { bytes: bytes.value.replace(/[\s:-]/g, '') }),
      ...(port.value.trim() !== '' && { fPort: Number(port.value) }),
      confirmed: confirmed.value, validFor: Number(valid.value), priority: 'normal',
    };
    await task.run(async () => { ready.value = { downlink, preview: await previewDownlink(id, downlink) }; });
  }

  const fault = (name: string): string | undefined => task.faults?.fields[name];
  return (
    <form class="part-form" noValidate onSubmit={event => void look(event)}>
      <fieldset class="either">
        <legend>{w.contentAs}</legend>
        {(['data', 'bytes'] as const).map(one => (
          <label key={one}><input type="radio" name="downlink-as" checked={as.value === one} onChange={() => change(() => { as.value = one; })} /> {one === 'data' ? w.asFields : w.asBytes}</label>
        ))}
      </fieldset>
      {as.value === 'data'
        ? <Field id="downlink-data" name={w.fields} fault={fault('data')}>{aria => <textarea {...aria} class="code" rows={3} spellcheck={false} value={data.value} onInput={event => { const { value } = event.currentTarget; change(() => { data.value = value; }); }} />}</Field>
        : <Field id="downlink-bytes" name={w.bytes} fault={fault('bytes')}>{aria => <input {...aria} class="code" spellcheck={false} value={bytes.value} onInput={event => { const { value } = event.currentTarget; change(() => { bytes.value = value; }); }} />}</Field>}
      <Field id="downlink-port" name={w.port} fault={fault('fPort')}>{aria => <input {...aria} inputMode="numeric" value={port.value} onInput={event => { const { value } = event.currentTarget; change(() => { port.value = value; }); }} />}</Field>
      <Field id="downlink-valid" name={w.validFor} fault={fault('validFor')}>
        {aria => (
          <select {...aria} value={valid.value} onChange={event => { const { value } = event.currentTarget; change(() => { valid.value = value; }); }}>
            {validFor.map(one => <option key={one} value={one}>{w.validHours[one]}</option>)}
          </select>
        )}
      </Field>
      <label class="tick"><input type="checkbox" checked={confirmed.value} onChange={event => { const { checked } = event.currentTarget; change(() => { confirmed.value = checked; }); }} /> {w.confirmed}</label>
      {task.faults && task.faults.whole !== '' && <Whole faults={task.faults} />}
      {ready.value && <Preview preview={ready.value.preview} />}
      <p class="step-actions">
        {ready.value
          ? <button type="button" class="primary" disabled={task.busy} onClick={() => { const { downlink } = ready.value!; void task.run(() => sendDownlink(id, downlink)).then(done => (done ? sent() : undefined)); }}>{task.busy ? w.saving : w.sendNow}</button>
          : <button class="primary" disabled={task.busy}>{task.busy ? w.previewing : w.preview}</button>}
        <button type="button" onClick={close}>{w.cancel}</button>
      </p>
    </form>
  );
}

function Preview({ preview }: { preview: DownlinkPreview }) {
  const w = words.value;
  return (
    <div class="preview" role="status">
      <h3>{w.previewTitle}</h3>
      <Facts rows={[
        [w.previewWhat, contentOf(preview.downlink)],
        [w.previewTo, [w.previewBy[preview.kind] ?? preview.kind, preview.url ?? preview.topic].filter(Boolean).join(': ')],
        [w.previewWarnings, preview.warnings.join('; ')],
      ]} />
      <details><summary>{w.wholeMessage}</summary><pre tabIndex={0}><code>{JSON.stringify(preview.body, null, 2)}</code></pre></details>
    </div>
  );
}

function dataOf(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
