import { useSignal } from '@preact/signals';
import { changeDevice, type Device } from '../data/device-registry.ts';
import { date } from '../reading/age.ts';
import { datasetTitle } from '../state.ts';
import { language } from '../text.ts';
import { Card, type CardProps } from './card.tsx';
import { everyInWords } from './plain.ts';
import { counts, mayManage, profileName, profiles } from './registry.ts';
import { externalIdsOf, externalIdsText, secondsOf, tagsOf } from './selection.ts';
import { Field, useTask, Whole } from './task.tsx';
import { Facts } from './technical-card.tsx';
import { words } from './words.ts';

/** What people say of the device: name, group, notes … */
export function AboutCard({ device, changed }: CardProps) {
  const w = words.value;
  const editing = useSignal(false);
  const saved = useSignal(false);
  return (
    <Card name="about" title={w.aboutTitle}
      action={mayManage.value && !editing.value && <button type="button" class="quiet" onClick={() => { editing.value = true; saved.value = false; }}>{w.edit}</button>}>
      <p role="status" class="said">{saved.value ? w.saved : ''}</p>
      {editing.value
        ? <AboutForm device={device} done={async stored => { editing.value = false; saved.value = stored; if (stored) await changed(); }} />
        : <About device={device} />}
    </Card>
  );
}

function About({ device }: { device: Device }) {
  const w = words.value;
  const speaking = language.value;
  return (
    <>
      {device.description && <p class="prose">{device.description}</p>}
      {device.notes && <div class="notes"><h3>{w.notes}</h3><p class="prose">{device.notes}</p></div>}
      {device.tags && <ul class="tags" aria-label={w.tags}>{device.tags.map(tag => <li key={tag}>{tag}</li>)}</ul>}
      <Facts rows={[
        [w.profile, profileName(device.profile)],
        [w.group, device.group],
        [w.department, device.department],
        [w.dataset, device.dataset && datasetTitle(device.dataset)],
        [w.interval, device.expectedInterval ? everyInWords(device.expectedInterval, w, speaking) : w.intervalOfProfile],
        [w.installedAt, device.installedAt && date(Date.parse(device.installedAt), speaking)],
        [w.id, device.id],
        [w.devEui, device.devEui],
        [w.previousDevEuis, device.previousDevEuis?.join(', ')],
        ...Object.entries(device.externalIds ?? {}).map(([system, id]): [string, string] => [system, id]),
        [w.registered, date(Date.parse(device.registeredAt), speaking)],
      ]} />
    </>
  );
}

const fields = ['name', 'description', 'notes', 'tags', 'group', 'department', 'profile', 'expectedInterval', 'installedAt', 'externalIds', 'devEui'] as const;
type Name = (typeof fields)[number];

/** The device as the form shows it. */
export const typedOf = (device: Device): Record<Name, string> => ({
  name: device.name,
  description: device.description ?? '',
  notes: device.notes ?? '',
  tags: device.tags?.join(' ') ?? '',
  group: device.group ?? '',
  department: device.department ?? '',
  profile: device.profile,
  expectedInterval: device.expectedInterval === undefined ? '' : String(device.expectedInterval / 60),
  installedAt: device.installedAt?.slice(0, 10) ?? '',
  externalIds: externalIdsText(device.externalIds),
  devEui: device.devEui ?? '',
});

/** What of the form goes to the platform: only what was changed, so that nothing else is written over. */
export function changesOf(before: Device, typed: Record<Name, string>): { change: Record<string, unknown> } | { field: Name; line: string } {
  const as = typedOf(before);
  const change: Record<string, unknown> = {};
  for (const name of fields) {
    const value = typed[name].trim();
    if (value === as[name].trim()) continue;
    if (name === 'tags') change[name] = value === '' ? null : tagsOf(value);
    else if (name === 'expectedInterval') {
      const seconds = secondsOf(value);
      if (Number.isNaN(seconds)) return { field: name, line: value };
      change[name] = seconds;
    }
    else if (name === 'installedAt') change[name] = value === '' ? null : `${value}T12:00:00Z`;
    else if (name === 'externalIds') {
      const read = externalIdsOf(value);
      if ('line' in read) return { field: name, line: read.line };
      // What the patch does not name would stay.
      change[name] = read.ids && { ...Object.fromEntries(Object.keys(before.externalIds ?? {}).map(system => [system, null])), ...read.ids };
    } else change[name] = value === '' ? null : value;
  }
  return { change };
}

function AboutForm({ device, done }: { device: Device; done(stored: boolean): Promise<void> }) {
  const w = words.value;
  const before = useSignal(device);
  const typed = useSignal(typedOf(device));
  const task = useTask(fields);
  const set = (name: Name) => (event: Event & { currentTarget: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement }): void => {
    typed.value = { ...typed.value, [name]: event.currentTarget.value };
  };
  const { value } = typed;
  const fault = (name: Name): string | undefined => task.faults?.fields[name];

  async function save(event: Event): Promise<void> {
    event.preventDefault();
    const changes = changesOf(before.value, value);
    if ('field' in changes) {
      task.fail({ whole: '', fields: { [changes.field]: changes.field === 'externalIds' ? w.externalIdsBad(changes.line) : w.intervalBad } });
      return;
    }
    const { change } = changes;
    if (Object.keys(change).length === 0) { await done(false); return; }
    if (await task.run(() => changeDevice(device.id, change))) await done(true);
    else document.querySelector<HTMLElement>('.part-about [aria-invalid]')?.focus();
  }

  const known = (values: { value: string }[] | undefined) => (values ?? []).map(one => <option key={one.value} value={one.value} />);
  return (
    <form class="part-form" noValidate onSubmit={event => void save(event)}>
      <Field id="about-name" name={w.name} fault={fault('name')}>{aria => <input {...aria} value={value.name} onInput={set('name')} />}</Field>
      <Field id="about-description" name={w.description} hint={w.descriptionHint} fault={fault('description')}>{aria => <textarea {...aria} rows={2} value={value.description} onInput={set('description')} />}</Field>
      <Field id="about-notes" name={w.notes} hint={w.notesHint} fault={fault('notes')}>{aria => <textarea {...aria} rows={3} value={value.notes} onInput={set('notes')} />}</Field>
      <Field id="about-group" name={w.group} fault={fault('group')}>{aria => <input {...aria} list="known-groups" value={value.group} onInput={set('group')} />}</Field>
      <Field id="about-department" name={w.department} fault={fault('department')}>{aria => <input {...aria} list="known-departments" value={value.department} onInput={set('department')} />}</Field>
      <Field id="about-tags" name={w.tags} hint={w.tagsHint} fault={fault('tags')}>{aria => <input {...aria} value={value.tags} onInput={set('tags')} />}</Field>
      <Field id="about-profile" name={w.profile} fault={fault('profile')}>{aria => <ProfileSelect aria={aria} value={value.profile} change={set('profile')} />}</Field>
      <Field id="about-interval" name={w.intervalLabel} hint={w.intervalHint} fault={fault('expectedInterval')}>{aria => <input {...aria} inputMode="decimal" value={value.expectedInterval} onInput={set('expectedInterval')} />}</Field>
      <Field id="about-installed" name={w.installedAt} fault={fault('installedAt')}>{aria => <input {...aria} type="date" value={value.installedAt} onInput={set('installedAt')} />}</Field>
      {!device.lastSeen && <Field id="about-deveui" name={w.devEui} fault={fault('devEui')}>{aria => <input {...aria} spellcheck={false} value={value.devEui} onInput={set('devEui')} />}</Field>}
      <Field id="about-external" name={w.externalIds} hint={w.externalIdsHint} fault={fault('externalIds')}>{aria => <textarea {...aria} rows={2} value={value.externalIds} onInput={set('externalIds')} />}</Field>
      <datalist id="known-groups">{known(counts.value?.groups)}</datalist>
      <datalist id="known-departments">{known(counts.value?.departments)}</datalist>
      {task.faults && task.faults.whole !== '' && <Whole faults={task.faults} />}
      <p class="step-actions">
        <button class="primary" disabled={task.busy}>{task.busy ? w.saving : w.save}</button>
        <button type="button" onClick={() => void done(false)}>{w.cancel}</button>
      </p>
    </form>
  );
}

interface ProfileSelectProps { aria: object; value: string; empty?: string; change(event: Event & { currentTarget: HTMLSelectElement }): void }

/** All kinds of devices to choose from, and the device's own where it is not among them. */
export function ProfileSelect({ aria, value, empty, change }: ProfileSelectProps) {
  const all = profiles.value;
  return (
    <select {...aria} value={value} onChange={change}>
      {empty !== undefined && <option value="">{empty}</option>}
      {value !== '' && !all.some(profile => profile.id === value) && <option value={value}>{value}</option>}
      {all.map(profile => <option key={profile.id} value={profile.id}>{profile.name}</option>)}
    </select>
  );
}
