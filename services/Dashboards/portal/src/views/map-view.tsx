import { effect, useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Position } from '../map/grid.ts';
import { colouringByDataset, colouringByQuantity, pointOf, type Colouring, type PointProperties } from '../map/points.ts';
import type { Place, TownMap } from '../map/town-map.ts';
import { Icon } from '../shell/icons.tsx';
import { address, byName, clearFilters, datasetTitle, go, grid, here, loading, now, portal, reload, revision, selected, shown, town } from '../state.ts';
import { language, text } from '../text.ts';
import { Legend } from './legend.tsx';

// Asked for at once, not when the view is first drawn: the map is most of what has to come.
const loadingMap = import('../map/town-map.ts');
loadingMap.catch(() => {});

/** The frame that the explore card, the panel or the sheet leave free, so that nothing is centred behind them. */
function free(container: HTMLElement) {
  const phone = innerWidth < 760;
  const room = { top: 50, bottom: 50, left: 40, right: 40 };
  const open = address.value.thing !== null || here.value !== null;
  if (phone) return { ...room, top: 130, bottom: open ? Math.round(container.clientHeight * 0.55) : 60 };
  return { ...room, left: 370, right: open ? 460 : 60 };
}

export function MapView() {
  const t = text.value;
  const container = useRef<HTMLDivElement>(null);
  const state = useSignal<'loading' | 'ready' | 'impossible'>('loading');
  const map = useRef<TownMap | null>(null);
  const pointed = useSignal<{ x: number; y: number; point: PointProperties } | null>(null);

  const colouring = useComputed<Colouring>(() => {
    // Depends on the town as loaded and on what is chosen, not on each reading: colours must not wander.
    void loading.value;
    const { quantity } = address.value;
    if (quantity) {
      const streams = [...town.value.datastreams.values()].filter(stream => stream.quantity === quantity);
      return colouringByQuantity(quantity, streams, now.peek());
    }
    const ids = [...new Set([...town.value.things.values()].map(thing => thing.dataset))];
    return colouringByDataset(ids.sort((a, b) => byName(datasetTitle(a), datasetTitle(b))));
  });

  useEffect(() => {
    let gone = false;
    const stops: (() => void)[] = [];
    loadingMap.then(({ TownMap }) => {
      if (gone || !container.current) return;
      const town = portal.value!;
      const element = container.current;
      const created = new TownMap({
        container: element,
        grid: grid.value!,
        bounds: town.bbox,
        style: town.map.style,
        baseMap: town.map.basemap,
        label: text.value.mapLabel(town.name),
        padding: () => free(element),
        events: {
          chosen: ids => {
            here.value = ids.length > 1 ? ids : null;
            go({ thing: ids.length === 1 ? ids[0]! : null });
          },
          pointed: at => { pointed.value = at; },
          ready: () => { state.value = 'ready'; },
        },
      });
      map.current = created;
      stops.push(() => created.remove(), ...keepDrawn(created, () => colouring.value));
    }).catch((fault: unknown) => {
      console.warn('The map cannot be drawn.', fault);
      state.value = 'impossible';
    });
    return () => { gone = true; for (const stop of stops) stop(); map.current = null; };
  }, []);

  const loaded = loading.value === 'done';
  return (
    <section class="map-view" aria-label={t.map} data-state={state.value}>
      <div ref={container} class="map" />
      {state.value === 'impossible' && <Notice words={t.noMap}><button type="button" onClick={() => go({ view: 'list' })}>{t.showList}</button></Notice>}
      {loading.value === 'failed' && <Notice words={t.failed} more={t.failedMore}><button type="button" onClick={() => void reload()}>{t.retry}</button></Notice>}
      {loaded && town.value.things.size === 0 && <Notice words={t.noThings} more={t.noThingsMore} />}
      {loaded && town.value.things.size > 0 && shown.value.length === 0
        && <Notice words={t.nothingFound}><button type="button" onClick={clearFilters}>{t.resetFilters}</button></Notice>}
      <div class="map-buttons">
        <button type="button" aria-label={t.zoomIn} title={t.zoomIn} onClick={() => map.current?.zoom(1)}><Icon sign="plus" /></button>
        <button type="button" aria-label={t.zoomOut} title={t.zoomOut} onClick={() => map.current?.zoom(-1)}><Icon sign="minus" /></button>
        <button type="button" aria-label={t.wholeTown} title={t.wholeTown} onClick={() => map.current?.wholeTown()}><Icon sign="home" /></button>
      </div>
      {loaded && town.value.things.size > 0 && <Legend colouring={colouring.value} town={town.value} />}
      {pointed.value && (
        <div class="pointed" aria-hidden="true" style={{ transform: `translate(${pointed.value.x}px, ${pointed.value.y}px)` }}>
          <span>{pointed.value.point.name}</span>
          {pointed.value.point.label && <strong>{pointed.value.point.label}</strong>}
        </div>
      )}
    </section>
  );
}

/** Draws again whatever changes; the returned functions end it. */
function keepDrawn(map: TownMap, colouring: () => Colouring): (() => void)[] {
  return [
    effect(() => {
      void revision.value;
      const places: Place[] = [];
      for (const thing of shown.value) {
        const properties = thing.position && pointOf(thing, colouring(), now.value, language.value);
        if (thing.position && properties) places.push({ position: thing.position, properties });
      }
      map.show(places, colouring());
    }),
    // Before the ground, which shows the whole town where no station is chosen.
    effect(() => { map.choose(selected.value?.position ?? null); }),
    effect(() => {
      if (loading.value === 'first') return;
      map.ground([...town.value.things.values()].map(thing => thing.position).filter((position): position is Position => position !== null));
    }),
  ];
}

function Notice({ words, more, children }: { words: string; more?: string; children?: preact.ComponentChildren }) {
  return <div class="notice" role="status"><p>{words}</p>{more && <p class="more">{more}</p>}{children}</div>;
}
