import { useComputed } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Datastream, Thing } from '../data/model.ts';
import { valueInWords } from '../reading/display.ts';
import { interest, isTechnical, valueName } from '../reading/words.ts';
import { Icon } from '../shell/icons.tsx';
import { follow } from '../shell/links.ts';
import { address, datasetTitle, go, here, latestOf, link, loading, revision, selected, squareOf, town } from '../state.ts';
import { language, text } from '../text.ts';
import { History } from './history.tsx';
import { Age, LiveDot, QualityMark } from './reading.tsx';
import { useSheet } from './sheet.ts';

/** A Thing in full: on the right of a wide screen, a sheet from below on a telephone. */
export function Panel() {
  const id = address.value.thing;
  const open = id !== null || here.value !== null;
  const panel = useRef<HTMLElement>(null);
  const handle = useSheet(panel, open);
  const opener = useRef<Element | null>(null);

  useEffect(() => {
    if (!open) return undefined;
    opener.current = document.activeElement;
    return () => { if (opener.current instanceof HTMLElement && opener.current.isConnected) opener.current.focus({ preventScroll: true }); };
  }, [open]);
  useEffect(() => { if (open) panel.current?.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true }); }, [id, open]);

  if (!open) return null;
  return (
    <aside ref={panel} class="panel" aria-labelledby="panel-title">
      <button type="button" class="handle" aria-label={text.value.sheet} {...handle} />
      <button type="button" class="close" aria-label={text.value.close} title={text.value.close} onClick={() => { here.value = null; go({ thing: null }); }}>
        <Icon sign="close" />
      </button>
      <div class="panel-body">
        {id === null ? <Chooser ids={here.value!} /> : <Subject />}
      </div>
    </aside>
  );
}

function Subject() {
  const thing = selected.value;
  if (thing) return <ThingDetails thing={thing} />;
  const t = text.value;
  const words = loading.value === 'first' ? t.loading : loading.value === 'failed' ? t.failed : t.missingPlace;
  return <h2 id="panel-title" class="panel-missing" tabIndex={-1}>{words}</h2>;
}

/** Several Things at one place: which one? */
function Chooser({ ids }: { ids: string[] }) {
  return (
    <>
      <h2 id="panel-title" tabIndex={-1}>{text.value.here(ids.length)}</h2>
      <ul class="chooser">
        {ids.map(id => (
          <li key={id}>
            <a href={link({ thing: id })} onClick={event => follow(event, () => go({ thing: id }))}>{town.value.things.get(id)?.name ?? id}</a>
          </li>
        ))}
      </ul>
    </>
  );
}

function ThingDetails({ thing }: { thing: Thing }) {
  const t = text.value;
  void revision.value;
  const streams = useComputed(() => {
    void revision.value;
    return [...(selected.value?.datastreams ?? [])].sort((a, b) =>
      Number(isTechnical(a.quantity)) - Number(isTechnical(b.quantity)) || interest(a.quantity) - interest(b.quantity));
  });
  const { stream: wanted, quantity } = address.value;
  const shown = streams.value.find(stream => stream.id === wanted)
    ?? streams.value.find(stream => stream.quantity === quantity)
    ?? streams.value[0];
  const square = squareOf(thing);
  return (
    <article>
      <h2 id="panel-title" tabIndex={-1}>{thing.name}</h2>
      <p class="whereabouts">
        {thing.dataset && (
          <a href={link({ view: 'datasets', thing: null })} onClick={event => follow(event, () => go({ view: 'datasets', thing: null, dataset: thing.dataset }))}>
            {datasetTitle(thing.dataset)}
          </a>
        )}
        {square && <span>{`${t.square} ${square}`}</span>}
      </p>
      {thing.description && thing.description !== thing.name && <p class="description">{thing.description}</p>}
      {shown ? <Hero stream={shown} /> : <p class="empty">{t.noReadings}</p>}
      {streams.value.length > 1 && (
        <section class="readings" aria-labelledby="readings-title">
          <h3 id="readings-title">{t.readings}</h3>
          <ul>
            {streams.value.map(stream => <li key={stream.id}><Row stream={stream} shown={stream === shown} /></li>)}
          </ul>
        </section>
      )}
    </article>
  );
}

function Hero({ stream }: { stream: Datastream }) {
  return (
    <section class="hero">
      <h3>{nameOf(stream)}</h3>
      <p class="figure">{valueInWords(latestOf(stream)?.value ?? null, stream, language.value)}<LiveDot stream={stream} /></p>
      <p class="meta"><Age stream={stream} /><QualityMark stream={stream} /></p>
      <History stream={stream} />
    </section>
  );
}

function Row({ stream, shown }: { stream: Datastream; shown: boolean }) {
  return (
    <button type="button" class="reading" aria-pressed={shown} onClick={() => go({ stream: stream.id })}>
      <span class="name">{nameOf(stream)}</span>
      <span class="value"><LiveDot stream={stream} />{valueInWords(latestOf(stream)?.value ?? null, stream, language.value)}</span>
      <span class="meta"><Age stream={stream} /><QualityMark stream={stream} /></span>
    </button>
  );
}

const nameOf = (stream: Datastream): string => valueName(stream, language.value);
