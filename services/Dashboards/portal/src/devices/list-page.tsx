import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { loadTable, type Device } from '../data/device-registry.ts';
import { number } from '../reading/units.ts';
import { Icon } from '../shell/icons.tsx';
import { follow } from '../shell/links.ts';
import { address, go, link, now } from '../state.ts';
import { language } from '../text.ts';
import { DeviceMap } from './device-map.tsx';
import { Filters, StateChoice } from './filters.tsx';
import { Heard, Problems, StateMark } from './marks.tsx';
import { percent } from './plain.ts';
import { counts, found, load, loadMore, notice, profileName, selection, trouble } from './registry.ts';
import { saveAs } from './save-as.ts';
import { filtersOf, queryOf, withoutFilters } from './selection.ts';
import { words } from './words.ts';

const refreshedEvery = 30_000;
/** While somebody types nothing is asked. */
const typingPause = 250;

/** Where somebody was in the list when they left it for a device. */
let top = 0;

/** The list with its filters and, beside it, the map of the same devices. */
export function ListPage() {
  const query = queryOf(selection.value, true);
  const before = useRef<string | null>(null);
  const wide = useWide();
  const mapAsked = useSignal(false);

  useEffect(() => {
    const first = before.current === null;
    before.current = query;
    const timer = setTimeout(() => void load(), first ? 0 : typingPause);
    return () => clearTimeout(timer);
  }, [query]);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) { now.value = Date.now(); void load(); } }, refreshedEvery);
    return () => clearInterval(timer);
  }, []);

  useEffect(() => {
    scrollTo({ top: found.value?.query === query ? top : 0 });
    const note = (): void => { top = scrollY; };
    addEventListener('scroll', note, { passive: true });
    return () => removeEventListener('scroll', note);
  }, []);

  const showsMap = wide.value || mapAsked.value;
  return (
    <>
      {notice.value && <p class="done-note" role="status">{notice.value}</p>}
      <StateChoice />
      <Filters />
      <div class="found-bar">
        <Total />
        <Export />
        {!wide.value && (
          <button type="button" aria-expanded={mapAsked.value} onClick={() => { mapAsked.value = !mapAsked.value; }}>
            <Icon sign="pin" /> {mapAsked.value ? words.value.hideMap : words.value.showMap}
          </button>
        )}
      </div>
      <div class={showsMap ? 'list-and-map' : 'list-alone'}>
        {showsMap && <DeviceMap />}
        <List />
      </div>
    </>
  );
}

/** Whether there is room for list and map side by side. */
function useWide() {
  const query = useRef(matchMedia('(width >= 1100px)'));
  const wide = useSignal(query.current.matches);
  useEffect(() => {
    const follow = (event: MediaQueryListEvent): void => { wide.value = event.matches; };
    query.current.addEventListener('change', follow);
    return () => query.current.removeEventListener('change', follow);
  }, []);
  return wide;
}

function Total() {
  const w = words.value;
  const total = counts.value?.total;
  return <p class="total" role="status">{total === undefined ? w.loading : w.devices(number(total, language.value, 0))}</p>;
}

function Export() {
  const w = words.value;
  const state = useSignal<'' | 'busy' | 'failed'>('');
  async function save(): Promise<void> {
    state.value = 'busy';
    try {
      saveAs(await loadTable(queryOf(selection.value), language.value), `${w.title.toLowerCase()}.csv`);
      state.value = '';
    } catch {
      state.value = 'failed';
    }
  }
  return (
    <>
      <button type="button" disabled={state.value === 'busy' || !counts.value?.total} onClick={() => void save()}>
        <Icon sign="download" /> {state.value === 'busy' ? w.exporting : w.export}
      </button>
      {state.value === 'failed' && <span class="fault" role="alert">{w.failed}</span>}
    </>
  );
}

function List() {
  const w = words.value;
  const list = found.value;
  const busy = useSignal(false);
  const query = queryOf(selection.value, true);

  if (trouble.value === 'failed' && !list)
    return <p class="notice" role="alert">{w.failed} <button type="button" onClick={() => void load()}>{w.retry}</button></p>;
  if (!list) return <p class="notice" role="status">{w.loading}</p>;
  if (list.items.length === 0)
    return filtersOf(selection.value) > 0
      ? <div class="notice" role="status"><p>{w.nothing}</p><button type="button" onClick={() => go(withoutFilters())}>{w.reset}</button></div>
      : <div class="notice" role="status"><p>{w.none}</p><p class="more">{w.noneMore}</p></div>;

  async function more(): Promise<void> {
    busy.value = true;
    try {
      await loadMore();
    } catch {
      trouble.value = 'failed';
    }
    busy.value = false;
  }

  const { columns } = w;
  const total = counts.value?.total ?? list.items.length;
  return (
    <div class="device-list" aria-busy={list.query !== query}>
      {trouble.value === 'failed' && <p class="fault" role="alert">{w.failed}</p>}
      <table>
        <caption class="unseen">{w.title}</caption>
        <thead>
          <tr><th scope="col">{columns.device}</th><th scope="col">{columns.state}</th><th scope="col">{columns.seen}</th><th scope="col">{columns.battery}</th><th scope="col">{columns.group}</th></tr>
        </thead>
        <tbody>{list.items.map(device => <Row key={device.id} device={device} />)}</tbody>
      </table>
      {list.next && (
        <p class="more-devices">
          <span>{w.shownOf(list.items.length, number(total, language.value, 0))}</span>
          <button type="button" disabled={busy.value} onClick={() => void more()}>{w.showMore}</button>
        </p>
      )}
    </div>
  );
}

function Row({ device }: { device: Device }) {
  const battery = device.lastSeen?.battery;
  void address.value;
  return (
    <tr data-state={device.state}>
      <th scope="row">
        <a href={link({ device: device.id, page: '' })} onClick={event => follow(event, () => { notice.value = null; go({ device: device.id, page: '' }); })}>{device.name}</a>
        <span class="more">{profileName(device.profile)}</span>
      </th>
      <td><StateMark state={device.state} /><Problems device={device} /></td>
      <td class="seen"><Heard at={device.lastSeen?.at} /></td>
      <td class="battery">{battery === undefined ? '' : percent(battery, language.value)}</td>
      <td class="whose">{[device.group, device.department].filter(Boolean).join(' · ')}</td>
    </tr>
  );
}
