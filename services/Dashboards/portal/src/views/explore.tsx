import { useComputed, useSignal } from '@preact/signals';
import { noColour, rampColours, rampOf, yesColour } from '../reading/palettes.ts';
import { summarise, type QuantitySummary } from '../reading/summary.ts';
import { address, byName, datasetTitle, go, link, loading, now, revision, shown, town } from '../state.ts';
import { language, text } from '../text.ts';
import { Icon } from '../shell/icons.tsx';
import { follow } from '../shell/links.ts';

/** Search, dataset and quantity: what map and list show. The quantities tell at the same time how the town is doing. */
export function Explore() {
  const t = text.value;
  const unfolded = useSignal(false);
  const summaries = useComputed(() => { void revision.value; return summarise(town.value, now.value, language.value); });
  const chosen = summaries.value.find(summary => summary.id === address.value.quantity);
  const all = town.value.things.size;
  const unplaced = address.value.view === 'map' ? shown.value.filter(thing => !thing.position).length : 0;

  return (
    <section class="explore" aria-label={t.filters}>
      <div class="find" role="search">
        <Icon sign="search" />
        <input type="search" value={address.value.search} placeholder={t.searchHint} aria-label={t.search} enterkeyhint="search"
          onInput={event => go({ search: event.currentTarget.value })} />
      </div>
      {address.value.search !== '' && address.value.view === 'map' && <Found />}
      <button type="button" class="unfold" aria-expanded={unfolded.value} aria-controls="choices" onClick={() => { unfolded.value = !unfolded.value; }}>
        <span>{chosen?.name ?? t.overview}</span>
        <span class="current">{chosen?.current}</span>
        <Icon sign={unfolded.value ? 'up' : 'down'} />
      </button>
      <div id="choices" class={unfolded.value ? 'choices unfolded' : 'choices'}>
        <Datasets />
        <Quantities summaries={summaries.value} chosen={() => { unfolded.value = false; }} />
      </div>
      <p class="count" role="status">
        {loading.value === 'first' ? t.loading : shown.value.length === all ? t.places(all) : t.placesOf(shown.value.length, all)}
        {unplaced > 0 && loading.value === 'done' && <span>{t.unplaced(unplaced)}</span>}
      </p>
    </section>
  );
}

const mostFound = 8;

/** What the search found, to go to at once; the map shows all of it. */
function Found() {
  if (shown.value.length === 0) return null;
  return (
    <ul class="found">
      {shown.value.slice(0, mostFound).map(thing => (
        <li key={thing.id}>
          <a href={link({ thing: thing.id })} aria-current={address.value.thing === thing.id ? 'true' : undefined}
            onClick={event => follow(event, () => go({ thing: thing.id }))}>
            {thing.name}
            <span>{datasetTitle(thing.dataset)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Datasets() {
  const t = text.value;
  void revision.value;
  const ids = [...new Set([...town.value.things.values()].map(thing => thing.dataset).filter(Boolean))];
  if (ids.length < 2) return null;
  return (
    <label class="choice">
      <span>{t.dataset}</span>
      <select value={address.value.dataset ?? ''} onChange={event => go({ dataset: event.currentTarget.value || null })}>
        <option value="">{t.allDatasets}</option>
        {ids.map(id => ({ id, title: datasetTitle(id) })).sort((a, b) => byName(a.title, b.title))
          .map(({ id, title }) => <option key={id} value={id}>{title}</option>)}
      </select>
    </label>
  );
}

function Quantities({ summaries, chosen }: { summaries: QuantitySummary[]; chosen: () => void }) {
  const t = text.value;
  const current = address.value.quantity;
  const choose = (quantity: string | null) => { go({ quantity, stream: null }); };
  const technical = summaries.filter(summary => summary.technical);
  const row = (summary: QuantitySummary) => (
    <Row key={summary.id} id={summary.id} name={summary.name} current={summary.current} title={summary.explanation || summary.description}
      checked={current === summary.id} colours={summary.truth ? [noColour, yesColour] : rampColours(rampOf(summary.id, summary.unit)).slice(1, 7)}
      choose={() => choose(summary.id)} done={chosen} />
  );
  return (
    <fieldset class="quantities">
      <legend>{t.quantities}</legend>
      <Row id="" name={t.overview} current="" title="" checked={current === null} colours={null} choose={() => choose(null)} done={chosen} />
      {summaries.filter(summary => !summary.technical).map(row)}
      {technical.length > 0 && (
        <details open={technical.some(summary => summary.id === current)}>
          <summary>{t.technical}</summary>
          {technical.map(row)}
        </details>
      )}
    </fieldset>
  );
}

interface RowProps {
  id: string;
  name: string;
  current: string;
  title: string;
  checked: boolean;
  /** What its values are coloured with on the map, from low to high. */
  colours: readonly string[] | null;
  choose: () => void;
  done: () => void;
}

function Row({ id, name, current, title, checked, colours, choose, done }: RowProps) {
  return (
    <label class="quantity" title={title} onClick={event => { if (event.detail > 0) done(); }}>
      <input type="radio" name="quantity" value={id} checked={checked} onChange={choose} />
      <span class="swatch" aria-hidden="true"
        style={colours ? { background: swatch(colours) } : undefined} />
      <span class="name">{name}</span>
      <span class="current">{current}</span>
    </label>
  );
}

/** Two halves for a state, a run of colours for a number. */
const swatch = (colours: readonly string[]): string =>
  colours.length === 2
    ? `linear-gradient(90deg, ${colours[0]} 50%, ${colours[1]} 50%)`
    : `linear-gradient(90deg, ${colours.join(', ')})`;
