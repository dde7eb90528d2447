import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { importDevices, loadTable, previewImport, type Imported, type ImportedRow } from '../data/device-registry.ts';
import { Refused, Unavailable } from '../data/http.ts';
import { number } from '../reading/units.ts';
import { Icon } from '../shell/icons.tsx';
import { follow } from '../shell/links.ts';
import { go, link } from '../state.ts';
import { language } from '../text.ts';
import { faultsOf, fieldName, inWords } from './faults.ts';
import { found, loadRights } from './registry.ts';
import { saveAs } from './save-as.ts';
import { words } from './words.ts';

const actions = ['error', 'create', 'change', 'unchanged'] as const;
const rowsAtOnce = 50;

/** Devices out of a table: what would become of each row, and then what became. */
export function ImportPage() {
  const w = words.value;
  const file = useSignal<File | null>(null);
  const result = useSignal<Imported | null>(null);
  const isDone = useSignal(false);
  const busy = useSignal<'' | 'checking' | 'applying'>('');
  const fault = useSignal<string | null>(null);
  const unsure = useSignal(false);
  const heading = useRef<HTMLHeadingElement>(null);

  const say = (refusal: unknown): void => {
    if (refusal instanceof Refused && refusal.status === 413) fault.value = w.tooLarge;
    else if (refusal instanceof Refused && refusal.kind === 'invalid_import') fault.value = `${w.tableRefused} ${inWords(refusal.detail)}`;
    else fault.value = faultsOf(refusal).whole;
  };

  async function check(chosen: File): Promise<void> {
    [file.value, result.value, isDone.value, fault.value, busy.value] = [chosen, null, false, null, 'checking'];
    try {
      result.value = await previewImport(chosen);
      requestAnimationFrame(() => heading.current?.focus());
    } catch (refusal) {
      say(refusal);
    }
    busy.value = '';
  }

  async function apply(): Promise<void> {
    const chosen = file.value!;
    [busy.value, fault.value, unsure.value] = ['applying', null, false];
    try {
      result.value = await importDevices(chosen);
      isDone.value = true;
      found.value = null;
      void loadRights();
      requestAnimationFrame(() => heading.current?.focus());
    } catch (refusal) {
      if (refusal instanceof Unavailable) {
        // It may have been done: the table is looked at again, and what was done shows as unchanged.
        await check(chosen);
        unsure.value = true;
      } else {
        say(refusal);
      }
    }
    busy.value = '';
  }

  return (
    <div class="import-page">
      <h2>{w.importTitle}</h2>
      <p>{w.importIntro}</p>
      <div class="step-actions">
        <span class="file-button">
          <input id="table" type="file" accept=".csv,text/csv,text/plain" disabled={busy.value !== ''}
            onChange={event => { const [chosen] = event.currentTarget.files ?? []; event.currentTarget.value = ''; unsure.value = false; if (chosen) void check(chosen); }} />
          <label for="table">{result.value ? w.otherFile : w.chooseFile}</label>
        </span>
        <Template />
      </div>
      {busy.value !== '' && <p class="waiting" role="status">{busy.value === 'checking' ? w.checking(file.value!.name) : w.applying}</p>}
      {fault.value && <p class="fault" role="alert">{fault.value}</p>}
      {unsure.value && <p class="fault-box" role="alert">{w.importUnsure}</p>}
      {result.value && busy.value !== 'checking' && (
        <section class="import-result" aria-labelledby="import-title">
          <h3 id="import-title" ref={heading} tabIndex={-1}>{isDone.value ? (result.value.applied ? w.importDone : w.importNothing) : w.previewOf(file.value!.name)}</h3>
          <Summary result={result.value} isDone={isDone.value} />
          {result.value.ignoredColumns.length > 0 && <p class="more">{w.ignoredColumns(result.value.ignoredColumns.join(', '))}</p>}
          {isDone.value ? <Afterwards result={result.value} /> : <Decision result={result.value} busy={busy.value !== ''} apply={() => void apply()} />}
          {actions.map(action => <Rows key={action} action={action} rows={result.value!.rows.filter(row => row.action === action)} isDone={isDone.value} />)}
        </section>
      )}
    </div>
  );
}

const countOf = (result: Imported, action: ImportedRow['action']): number =>
  ({ create: result.created, change: result.changed, unchanged: result.unchanged, error: result.faulty })[action];

function Summary({ result, isDone }: { result: Imported; isDone: boolean }) {
  const w = words.value;
  return (
    <>
      <ul class="import-counts">
        {actions.filter(action => countOf(result, action) > 0).map(action => (
          <li key={action} data-action={action}>{w.rowCounts(number(countOf(result, action), language.value, 0), isDone ? w.actionsDone[action]! : w.counts[action]!)}</li>
        ))}
      </ul>
      {!isDone && <p>{w.nothingDone}</p>}
    </>
  );
}

function Decision({ result, busy, apply }: { result: Imported; busy: boolean; apply(): void }) {
  const w = words.value;
  const count = result.created + result.changed;
  const said = number(count, language.value, 0);
  return (
    <>
      {result.faulty > 0 && <p>{w.faultyHint}</p>}
      {count === 0 && result.faulty === 0 && <p>{w.nothingToDo}</p>}
      {count > 0 && <p class="step-actions"><button type="button" class="primary" disabled={busy} onClick={apply}>{result.faulty > 0 ? w.applyValid(said) : w.apply(said)}</button></p>}
    </>
  );
}

/** The keys, which nobody can see again, and the way to the devices. */
function Afterwards({ result }: { result: Imported }) {
  const w = words.value;
  const keys = result.rows.filter(row => row.key !== undefined);
  const save = (): void => saveAs(new Blob(['\uFEFF', [`${fieldName('id')};${w.deviceKey}`, ...keys.map(row => `${row.id};${row.key!}`)].join('\r\n'), '\r\n'], { type: 'text/csv' }), 'keys.csv');
  return (
    <>
      {keys.length > 0 && <p>{w.keysOnce}</p>}
      <p class="step-actions">
        {keys.length > 0 && <button type="button" class="primary" onClick={save}><Icon sign="download" /> {w.saveKeys}</button>}
        <a href={link({ page: '' })} onClick={event => follow(event, () => go({ page: '' }))}>{w.list}</a>
      </p>
    </>
  );
}

function Rows({ action, rows, isDone }: { action: ImportedRow['action']; rows: ImportedRow[]; isDone: boolean }) {
  const w = words.value;
  const length = useSignal(rowsAtOnce);
  if (rows.length === 0) return null;
  const title = w.rowCounts(number(rows.length, language.value, 0), isDone ? w.actionsDone[action]! : w.counts[action]!);
  return (
    <details class="import-rows" open={action === 'error' || (action !== 'unchanged' && rows.length <= rowsAtOnce)} data-action={action}>
      <summary>{title}</summary>
      <table>
        <thead><tr><th scope="col">{w.line}</th><th scope="col">{w.id}</th><th scope="col">{w.details}</th></tr></thead>
        <tbody>
          {rows.slice(0, length.value).map(row => (
            <tr key={row.line}>
              <td>{row.line}</td>
              <th scope="row">{row.id || '–'}</th>
              <td>
                {(row.errors || row.changes) && (
                  <ul>
                    {row.errors?.map(({ column, reason }) => <li key={column + reason} class="fault"><b>{fieldName(column)}</b>: {inWords(reason)}</li>)}
                    {row.changes?.map(({ column, old, new: now }) => <li key={column}><b>{fieldName(column)}</b>: {old ?? <i>{w.emptyCell}</i>} → {now ?? <i>{w.emptyCell}</i>}</li>)}
                  </ul>
                )}
                {!row.errors && !row.changes && (isDone ? w.actionsDone[row.action] : w.actions[row.action])}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > length.value && <button type="button" class="quiet" onClick={() => { length.value += 500; }}>{w.moreRows(Math.min(500, rows.length - length.value))}</button>}
    </details>
  );
}

function Template() {
  const w = words.value;
  const failed = useSignal(false);
  async function save(): Promise<void> {
    try {
      saveAs(await loadTable('template=true', language.value), `${w.title.toLowerCase()}.csv`);
      failed.value = false;
    } catch {
      failed.value = true;
    }
  }
  return (
    <>
      <button type="button" onClick={() => void save()}><Icon sign="download" /> {w.template}</button>
      {failed.value && <span class="fault" role="alert">{w.failed}</span>}
    </>
  );
}
