import { effect, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { loadPlaces, type PlacedDevice } from '../data/device-registry.ts';
import type { Position } from '../map/grid.ts';
import type { Grouping } from '../map/points.ts';
import type { Place, TownMap } from '../map/town-map.ts';
import { number } from '../reading/units.ts';
import { Icon } from '../shell/icons.tsx';
import { follow } from '../shell/links.ts';
import { go, grid, link, portal } from '../state.ts';
import { language, text } from '../text.ts';
import { StateMark } from './marks.tsx';
import { counts, selection } from './registry.ts';
import { queryOf } from './selection.ts';
import { words } from './words.ts';

/** Okabe and Ito's colours: told apart by everybody, and what needs somebody is warm. */
const colours: Record<string, string> = { planned: '#56b4e9', installed: '#0072b2', active: '#009e73', weak: '#e69f00', silent: '#d55e00', faulty: '#882255', retired: '#7a7f87' };

const grouping: Grouping = { by: 'problems' };

/** A selection may be as large as a town: its places are asked for when somebody has stopped choosing. */
const pause = 400;

/** As many are asked for again when something has changed. */
const mostRefreshed = 2_000;

const hasProblem = ({ state, conditions }: PlacedDevice): boolean => state === 'silent' || state === 'faulty' || conditions.length > 0;

const placeOf = (device: PlacedDevice): Place => ({
  position: device.position,
  properties: {
    id: device.id, name: device.name, label: device.name, faded: device.state === 'retired', figure: Number(hasProblem(device)),
    colour: colours[device.state === 'active' && device.conditions.length > 0 ? 'weak' : device.state] ?? colours['retired']!,
  },
});

/** The map of the selected devices, by state. */
export function DeviceMap() {
  const w = words.value;
  const container = useRef<HTMLDivElement>(null);
  const map = useRef<TownMap | null>(null);
  const places = useSignal<PlacedDevice[] | null>(null);
  const chosen = useSignal<string[]>([]);
  const state = useSignal<'loading' | 'ready' | 'impossible'>('loading');
  const query = queryOf(selection.value);
  const fitted = useRef<string | null>(null);
  const known = counts.value;
  // What changes in a small town is shown as it does; a large one is read again with the next choice.
  const version = known && known.total <= mostRefreshed ? JSON.stringify([known.states, known.conditions]) : '';

  useEffect(() => {
    const leaving = new AbortController();
    const timer = setTimeout(() => {
      loadPlaces(query, leaving.signal).then(all => { places.value = all; }).catch(() => { /* The list says what is wrong. */ });
    }, places.peek() === null ? 0 : pause);
    return () => { clearTimeout(timer); leaving.abort(); };
  }, [query, version]);
  useEffect(() => { chosen.value = []; }, [query]);

  useEffect(() => {
    let gone = false;
    let stop = (): void => {};
    import('../map/town-map.ts').then(({ TownMap }) => {
      if (gone || !container.current) return;
      const { bbox, map: { style, basemap } } = portal.value!;
      const created = new TownMap({
        container: container.current, grid: grid.value!, bounds: bbox, style, baseMap: basemap, label: words.value.mapLabel,
        padding: () => ({ top: 40, bottom: 40, left: 40, right: 40 }),
        events: { chosen: ids => { chosen.value = ids; }, pointed: () => {}, ready: () => { state.value = 'ready'; } },
      });
      map.current = created;
      stop = effect(() => {
        if (places.value === null) return;
        created.show(places.value.map(placeOf), grouping);
        created.ground(places.value.map(place => place.position as Position));
        const asked = queryOf(selection.peek());
        if (places.value.length > 0 && fitted.current !== asked) created.wholeTown();
        fitted.current = asked;
      });
    }).catch((fault: unknown) => {
      console.warn('The map cannot be drawn.', fault);
      state.value = 'impossible';
    });
    return () => { gone = true; stop(); map.current?.remove(); map.current = null; };
  }, []);

  const unplaced = counts.value && places.value ? Math.max(0, counts.value.total - places.value.length) : 0;
  const picked = (places.value ?? []).filter(place => chosen.value.includes(place.id));
  return (
    <section class="device-map" aria-label={text.value.map} data-state={state.value}>
      <div ref={container} class="map" />
      {state.value === 'impossible' && <p class="notice">{w.mapFailed}</p>}
      <div class="map-buttons">
        <button type="button" aria-label={text.value.zoomIn} title={text.value.zoomIn} onClick={() => map.current?.zoom(1)}><Icon sign="plus" /></button>
        <button type="button" aria-label={text.value.zoomOut} title={text.value.zoomOut} onClick={() => map.current?.zoom(-1)}><Icon sign="minus" /></button>
        <button type="button" aria-label={text.value.wholeTown} title={text.value.wholeTown} onClick={() => map.current?.wholeTown()}><Icon sign="home" /></button>
      </div>
      {picked.length > 0 && (
        <div class="picked" role="status">
          {picked.length > 1 && <p>{w.here(picked.length)}</p>}
          <ul>
            {picked.map(({ id, name, state }) => (
              <li key={id}><a href={link({ device: id })} onClick={event => follow(event, () => go({ device: id }))}>{name}</a> <StateMark state={state} /></li>
            ))}
          </ul>
        </div>
      )}
      <ul class="map-key" aria-hidden="true">
        {['active', 'weak', 'silent', 'faulty', 'installed', 'planned'].map(state => (
          <li key={state}><span class={`dot-${state}`} />{state === 'weak' ? w.condition : w.states[state]}</li>
        ))}
        <li class="more">{w.mapGroups}</li>
        {unplaced > 0 && <li class="more">{w.unplaced(number(unplaced, language.value, 0))}</li>}
      </ul>
    </section>
  );
}
