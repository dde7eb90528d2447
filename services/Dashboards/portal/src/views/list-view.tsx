import { useSignal } from '@preact/signals';
import type { Datastream, Thing } from '../data/model.ts';
import { Age, QualityMark } from '../panel/reading.tsx';
import { valueInWords } from '../reading/display.ts';
import { isTechnical, quantityName, valueName } from '../reading/words.ts';
import { Icon } from '../shell/icons.tsx';
import { follow } from '../shell/links.ts';
import { address, byName, clearFilters, datasetTitle, go, latestOf, link, loading, reload, revision, shown, squareOf, town } from '../state.ts';
import { language, text } from '../text.ts';

type Column = 'name' | 'dataset' | 'value' | 'age' | 'quality' | 'square';

interface Row {
  thing: Thing;
  /** The reading that the row is about: of the chosen quantity, else the newest. */
  stream: Datastream | null;
  square: string;
}

const pageSize = 100;

/** The map in words: the same stations, readings, ages and qualities as a table that can be sorted. */
export function ListView() {
  const t = text.value;
  void revision.value;
  const order = useSignal<{ column: Column; down: boolean }>({ column: 'name', down: false });
  const length = useSignal(pageSize);
  const { quantity } = address.value;
  const chosen = quantity ? town.value.quantities.get(quantity) : undefined;

  if (loading.value === 'failed')
    return <section class="list-view"><p class="notice" role="alert">{t.failed} <button type="button" onClick={() => void reload()}>{t.retry}</button></p></section>;
  if (loading.value === 'done' && town.value.things.size === 0)
    return <section class="list-view"><p class="notice">{t.noThings} {t.noThingsMore}</p></section>;
  if (loading.value === 'done' && shown.value.length === 0)
    return <section class="list-view"><p class="notice">{t.nothingFound} <button type="button" onClick={clearFilters}>{t.resetFilters}</button></p></section>;

  const rows = sorted(shown.value.map(thing => rowOf(thing, quantity)), order.value);
  const head = (column: Column, words: string) => {
    const { column: current, down } = order.value;
    return (
      <th scope="col" aria-sort={current === column ? (down ? 'descending' : 'ascending') : undefined}>
        <button type="button" aria-label={t.sortBy(words)} onClick={() => { order.value = { column, down: current === column && !down }; }}>
          {words}{current === column && <Icon sign={down ? 'down' : 'up'} />}
        </button>
      </th>
    );
  };
  const squares = rows.some(row => row.square !== '');
  return (
    <section class="list-view" aria-label={t.list}>
      <table>
        <thead>
          <tr>
            {head('name', t.name)}
            {head('dataset', t.dataset)}
            {head('value', chosen ? quantityName(chosen, language.value) : t.value)}
            {head('age', t.age)}
            {head('quality', t.quality)}
            {squares && head('square', t.square)}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, length.value).map(({ thing, stream, square }) => (
            <tr key={thing.id} aria-current={address.value.thing === thing.id ? 'true' : undefined}>
              <th scope="row"><a href={link({ thing: thing.id })} onClick={event => follow(event, () => go({ thing: thing.id }))}>{thing.name}</a></th>
              <td>{datasetTitle(thing.dataset)}</td>
              <td class="values">{chosen && stream ? <strong>{valueInWords(stream.latest?.value ?? null, stream, language.value)}</strong> : <Readings thing={thing} />}</td>
              <td>{stream && <Age stream={stream} />}</td>
              <td>{stream && <QualityMark stream={stream} />}</td>
              {squares && <td>{square}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > length.value && (
        <button type="button" class="more-rows" onClick={() => { length.value += 400; }}>{t.more(Math.min(400, rows.length - length.value))}</button>
      )}
    </section>
  );
}

/** A Thing's readings in one line. */
function Readings({ thing }: { thing: Thing }) {
  const streams = thing.datastreams.filter(stream => !isTechnical(stream.quantity) && latestOf(stream));
  if (streams.length === 0) return <>{text.value.noReading}</>;
  return (
    <ul class="inline">
      {streams.slice(0, 4).map(stream => (
        <li key={stream.id}>
          <span>{valueName(stream, language.value)}</span>{' '}
          <strong>{valueInWords(latestOf(stream)!.value, stream, language.value)}</strong>
        </li>
      ))}
    </ul>
  );
}

function rowOf(thing: Thing, quantity: string | null): Row {
  const candidates = quantity ? thing.datastreams.filter(stream => stream.quantity === quantity) : thing.datastreams;
  const stream = candidates.reduce<Datastream | null>(
    (newest, candidate) => ((candidate.latest?.time ?? 0) > (newest?.latest?.time ?? -1) ? candidate : newest), null);
  return { thing, stream, square: squareOf(thing) ?? '' };
}

function sorted(rows: Row[], { column, down }: { column: Column; down: boolean }): Row[] {
  const severity = { good: 0, missing: 1, suspect: 2, bad: 3 };
  const compare: Record<Column, (a: Row, b: Row) => number> = {
    name: (a, b) => byName(a.thing.name, b.thing.name),
    dataset: (a, b) => byName(datasetTitle(a.thing.dataset), datasetTitle(b.thing.dataset)),
    value: (a, b) => compareValues(a.stream?.latest?.value, b.stream?.latest?.value),
    age: (a, b) => (b.stream?.latest?.time ?? 0) - (a.stream?.latest?.time ?? 0),
    quality: (a, b) => severity[b.stream?.latest?.quality.flag ?? 'missing'] - severity[a.stream?.latest?.quality.flag ?? 'missing'],
    square: (a, b) => byName(a.square, b.square),
  };
  const result = [...rows].sort(compare[column]);
  return down ? result.reverse() : result;
}

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'string' || typeof b === 'string') return byName(String(a ?? ''), String(b ?? ''));
  return Number(a ?? -Infinity) - Number(b ?? -Infinity) || 0;
}
