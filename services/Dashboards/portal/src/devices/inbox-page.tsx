import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { loadInbox, loadNext, restoreUnknown, type Page } from '../data/device-registry.ts';
import { adopt, ignoreUnknown, isDevEui, suggest, type Suggestion, type UnknownDevice } from '../data/devices.ts';
import { valueInWords } from '../reading/display.ts';
import { number, readableUnit } from '../reading/units.ts';
import { follow } from '../shell/links.ts';
import { go, link, now } from '../state.ts';
import { language } from '../text.ts';
import { moment, receptionInWords } from './plain.ts';
import { Older } from './problems-card.tsx';
import { found, loadRights, profiles, trouble, troubleOf } from './registry.ts';
import { Field, useTask, Whole } from './task.tsx';
import { words } from './words.ts';

type Sender = UnknownDevice & { firstSeen: string; door: string };

const refreshedEvery = 10_000;
/** Of so many at most; who has asked for older ones reads on undisturbed. */
const mostRefreshed = 50;
const mostSuggested = 5;
/** A suggestion that is chosen for somebody, and not only offered. */
const good = 0.6;

/** Who sends and is not connected: adopted in one click where the platform knows what it is, or ignored. */
export function InboxPage() {
  const w = words.value;
  const ignored = useSignal(false);
  const page = useSignal<Page<Sender> | 'failed' | null>(null);
  const adopted = useSignal<{ id: string; name: string }[]>([]);
  const said = useSignal('');

  async function read(): Promise<void> {
    const asked = ignored.value;
    try {
      const { items, next } = await loadInbox(asked);
      if (ignored.value === asked) page.value = { items, ...(next && { next }) };
    } catch (fault) {
      const what = troubleOf(fault);
      if (what !== 'failed') trouble.value = what;
      else page.value ??= 'failed';
    }
  }
  useEffect(() => {
    page.value = null;
    void read();
    const timer = setInterval(() => {
      const shown = page.value && page.value !== 'failed' ? page.value.items.length : 0;
      if (!document.hidden && shown <= mostRefreshed) void read();
    }, refreshedEvery);
    return () => clearInterval(timer);
  }, [ignored.value]);

  const without = (name: string): void => {
    if (page.value && page.value !== 'failed') page.value = { ...page.value, items: page.value.items.filter(one => one.name !== name) };
    void loadRights();
  };
  const list = page.value;
  return (
    <div class="inbox-page">
      <h2>{ignored.value ? w.ignoredTitle : w.inbox}</h2>
      {!ignored.value && <p>{w.inboxIntro}</p>}
      <p role="status" class="said">{said.value}</p>
      {adopted.value.length > 0 && (
        <ul class="adopted" role="status">
          {adopted.value.map(({ id, name }) => (
            <li key={id}>{w.adopted(name)} <a href={link({ device: id, page: '' })} onClick={event => follow(event, () => go({ device: id, page: '' }))}>{w.open}</a></li>
          ))}
          <li class="more">{w.placeLater}</li>
        </ul>
      )}
      {list === null ? <p class="notice" role="status">…</p>
        : list === 'failed' ? <p class="notice" role="alert">{w.failed} <button type="button" onClick={() => void read()}>{w.retry}</button></p>
        : list.items.length === 0 ? <p class="notice">{ignored.value ? w.ignoredEmpty : w.inboxEmpty}</p>
        : (
          <ul class="senders">
            {list.items.map(sender => (
              <li key={sender.name} class="part">
                {ignored.value
                  ? <Ignored sender={sender} restored={() => without(sender.name)} />
                  : <Waiting sender={sender} adopted={device => { adopted.value = [device, ...adopted.value]; found.value = null; without(sender.name); }}
                      ignored={() => { said.value = w.ignored(sender.deviceId ?? sender.name); without(sender.name); }} />}
              </li>
            ))}
          </ul>
        )}
      {list && list !== 'failed' && <Older page={list} more={next => void loadNext<Sender>(next).then(({ items, next: further }) => { page.value = { items: [...list.items, ...items], ...(further && { next: further }) }; })} />}
      <p class="step-actions"><button type="button" class="quiet" onClick={() => { ignored.value = !ignored.value; said.value = ''; }}>{ignored.value ? w.inboxWaiting : w.inboxIgnored}</button></p>
    </div>
  );
}

function About({ sender }: { sender: Sender }) {
  const w = words.value;
  const speaking = language.value;
  const radio = sender.uplinks.at(-1)?.radio;
  return (
    <>
      <h3>{sender.deviceId ?? sender.name}</h3>
      <p class="more">
        {[sender.deviceId ? sender.name : null, w.messages(number(sender.count, speaking, 0)), w.firstSeen(moment(sender.firstSeen, now.value, speaking)),
          w.lastAt(moment(sender.lastSeen, now.value, speaking)), radio && receptionInWords(radio, speaking)].filter(Boolean).join(' · ')}
      </p>
    </>
  );
}

function Ignored({ sender, restored }: { sender: Sender; restored(): void }) {
  const w = words.value;
  const task = useTask();
  return (
    <>
      <About sender={sender} />
      <p class="step-actions">
        <button type="button" disabled={task.busy} aria-label={w.restoreOf(sender.deviceId ?? sender.name)}
          onClick={() => void task.run(() => restoreUnknown(sender.name)).then(done => { if (done) restored(); })}>{w.restore}</button>
      </p>
      <Whole faults={task.faults} />
    </>
  );
}

function Waiting({ sender, adopted, ignored }: { sender: Sender; adopted(device: { id: string; name: string }): void; ignored(): void }) {
  const w = words.value;
  const title = sender.deviceId ?? sender.name;
  const key = encodeURIComponent(sender.name);
  const suggestions = useSignal<Suggestion[]>([]);
  const name = useSignal(isDevEui(sender.name) && !sender.deviceId ? '' : title);
  const profile = useSignal('');
  const task = useTask(['name', 'profile']);
  useEffect(() => {
    suggest(sender).then(all => {
      suggestions.value = all.slice(0, mostSuggested);
      if (profile.value === '' && (all[0]?.score ?? 0) >= good) profile.value = all[0]!.profile;
    }).catch(() => { /* It can be chosen. */ });
  }, [sender.name]);

  async function connect(event: Event): Promise<void> {
    event.preventDefault();
    const device = { id: '', name: name.value.trim() };
    if (await task.run(async () => { device.id = (await adopt(sender, { name: device.name, profile: profile.value })).id; })) adopted(device);
  }

  const chosen = suggestions.value.find(one => one.profile === profile.value);
  return (
    <form class="sender" onSubmit={event => void connect(event)}>
      <About sender={sender} />
      <div class="sender-fields">
        <Field id={`name-${key}`} name={w.name} fault={task.faults?.fields['name']}>
          {aria => <input {...aria} required maxLength={200} value={name.value} onInput={event => { name.value = event.currentTarget.value; }} />}
        </Field>
        <Field id={`profile-${key}`} name={w.profile} fault={task.faults?.fields['profile']}>
          {aria => (
            <select {...aria} required value={profile.value} onChange={event => { profile.value = event.currentTarget.value; }}>
              <option value="">{w.chooseProfile}</option>
              {suggestions.value.length > 0 && <optgroup label={w.suggested}>{suggestions.value.map(one => <option key={one.profile} value={one.profile}>{one.name}</option>)}</optgroup>}
              <optgroup label={w.allProfiles}>{profiles.value.filter(one => !suggestions.value.some(({ profile: id }) => id === one.id)).map(one => <option key={one.id} value={one.id}>{one.name}</option>)}</optgroup>
            </select>
          )}
        </Field>
      </div>
      {chosen && <p class="would-measure"><span class="more">{w.wouldMeasure}</span> {valuesOf(chosen)}</p>}
      <Whole faults={task.faults} />
      <p class="step-actions">
        <button class="primary" disabled={task.busy} aria-label={w.adoptOf(title)}>{task.busy ? w.adopting : w.adopt}</button>
        <button type="button" disabled={task.busy} aria-label={w.ignoreOf(title)} onClick={() => void task.run(() => ignoreUnknown(sender.name)).then(done => { if (done) ignored(); })}>{w.ignore}</button>
      </p>
      <details>
        <summary>{w.firstMessages}</summary>
        <ul class="log">
          {sender.uplinks.map(({ receivedAt, fPort, bytes, data }) => (
            <li key={receivedAt}><span class="more">{moment(receivedAt, now.value, language.value)} · FPort {fPort}</span> <code>{bytes ?? JSON.stringify(data)}</code></li>
          ))}
        </ul>
      </details>
    </form>
  );
}

/** What the message would say, were it of this kind. */
const valuesOf = (suggestion: Suggestion): string => suggestion.observations.map(({ field, name, nameEn, value, unit }) => {
  const { unit: shown, factor } = readableUnit(unit ?? '');
  return `${language.value === 'en' && nameEn ? nameEn : name} ${valueInWords(typeof value === 'number' ? value * factor : value, { unit: shown, quantity: field }, language.value)}`;
}).join(' · ');
