import { useEffect } from 'preact/hooks';
import type { Registration } from '../data/devices.ts';
import { valueInWords } from '../reading/display.ts';
import { follow } from '../shell/links.ts';
import { datasets, go, latestOf, link, reloadDatasets, reloadThing, revision, town } from '../state.ts';
import { language } from '../text.ts';
import { startAgain } from './guide.ts';
import { words } from './words.ts';

const every = 2_000;

/** The device is there: its readings as they come, and the ways on to map, chart and catalogue. */
export function Connected({ device }: { device: Registration }) {
  const w = words.value;
  void revision.value;
  const thing = town.value.things.get(device.id);
  const streams = thing?.datastreams.filter(stream => latestOf(stream)) ?? [];
  const measures = streams.length > 0;

  useEffect(() => {
    if (measures) { void reloadDatasets(); return; }
    let gone = false;
    let timer = 0;
    const ask = async (): Promise<void> => {
      await reloadThing(device.id);
      if (!gone) timer = window.setTimeout(() => void ask(), every);
    };
    void ask();
    return () => { gone = true; clearTimeout(timer); };
  }, [device.id, measures]);

  const isOpen = Array.isArray(datasets.value) && datasets.value.find(dataset => dataset.id === thing?.dataset)?.access === 'open';
  const onMap = { view: 'map', thing: device.id, dataset: null, quantity: null, search: '' } as const;
  const inRegistry = { view: 'devices', device: device.id, page: '', thing: null } as const;
  const inCatalogue = { view: 'datasets', dataset: thing?.dataset ?? null, thing: null } as const;
  return (
    <div class="connected">
      <h2>{w.doneTitle}</h2>
      <p role="status">{measures ? w.doneValues(device.name) : w.doneWaiting(device.name)}</p>
      <dl class="first-values">
        {streams.map(stream => (
          <div key={stream.id}>
            <dt>{(language.value === 'en' && stream.nameEn) || stream.name}</dt>
            <dd>{valueInWords(stream.latest!.value, stream, language.value)}</dd>
          </div>
        ))}
      </dl>
      {measures && <p class="more">{isOpen ? w.open : w.internal}</p>}
      <p class="step-actions">
        <a class="primary" href={link(onMap)} onClick={event => follow(event, () => go(onMap))}>{w.onMap}</a>
        <a href={link(inRegistry)} onClick={event => follow(event, () => go(inRegistry))}>{w.inRegistry}</a>
        {thing && <a href={link(inCatalogue)} onClick={event => follow(event, () => go(inCatalogue))}>{w.inCatalogue}</a>}
        <button type="button" onClick={startAgain}>{w.another}</button>
      </p>
    </div>
  );
}
