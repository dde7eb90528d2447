import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { changeDevice } from '../data/device-registry.ts';
import { PlacePicker, pointOf, written } from '../forms/place-picker.tsx';
import { extentOf } from '../map/extent.ts';
import type { Position } from '../map/grid.ts';
import type { PickMap } from '../map/pick-map.ts';
import { follow } from '../shell/links.ts';
import { go, grid, link, portal } from '../state.ts';
import { Card, type CardProps } from './card.tsx';
import { mayManage } from './registry.ts';
import { useTask, Whole } from './task.tsx';
import { words } from './words.ts';

/** Where the device hangs, and the map on which it is moved. */
export function PlaceCard({ device, changed }: CardProps) {
  const w = words.value;
  const moving = useSignal(false);
  const latitude = useSignal('');
  const longitude = useSignal('');
  const task = useTask();
  const at = device.location?.coordinates;
  const onMap = { view: 'map', thing: device.id, dataset: null, quantity: null, search: '', device: null } as const;

  function move(): void {
    [latitude.value, longitude.value] = at ? [written(at[1]!), written(at[0]!)] : ['', ''];
    moving.value = true;
  }

  async function save(event: Event): Promise<void> {
    event.preventDefault();
    const place = pointOf(latitude.value, longitude.value);
    if (place === 'faulty' || place === null) { task.fail({ whole: w.badPlace, fields: {} }); return; }
    await change(place);
  }

  async function change(location: object | null): Promise<void> {
    if (await task.run(() => changeDevice(device.id, { location }))) { moving.value = false; await changed(); }
  }

  return (
    <Card name="place" title={w.placeTitle} action={mayManage.value && !moving.value && <button type="button" class="quiet" onClick={move}>{at ? w.movePlace : w.setPlace}</button>}>
      {moving.value
        ? (
          <form class="part-form" onSubmit={event => void save(event)}>
            <PlacePicker latitude={latitude} longitude={longitude} />
            <Whole faults={task.faults} />
            <p class="step-actions">
              <button class="primary" disabled={task.busy}>{task.busy ? w.saving : w.save}</button>
              <button type="button" onClick={() => { moving.value = false; }}>{w.cancel}</button>
              {at && <button type="button" class="quiet" disabled={task.busy} onClick={() => void change(null)}>{w.removePlace}</button>}
            </p>
          </form>
        )
        : at
          ? (
            <>
              <PlaceMap position={[at[0]!, at[1]!]} />
              <p class="place-line">
                <span>{`${at[1]!.toFixed(5)}, ${at[0]!.toFixed(5)}`}</span>
                <a href={link(onMap)} onClick={event => follow(event, () => go(onMap))}>{w.onTownMap}</a>
                <a class="only-touch" href={`geo:${at[1]!},${at[0]!}`}>{w.navigate}</a>
              </p>
            </>
          )
          : <p class="more">{w.noPlace}</p>}
    </Card>
  );
}

function PlaceMap({ position }: { position: Position }) {
  const container = useRef<HTMLDivElement>(null);
  const map = useRef<PickMap | null>(null);
  useEffect(() => {
    let gone = false;
    import('../map/pick-map.ts').then(({ PickMap }) => {
      if (gone || !container.current) return;
      const { bbox, map: { style, basemap } } = portal.value!;
      map.current = new PickMap({ container: container.current, grid: grid.value!, bounds: extentOf([position], bbox), style, baseMap: basemap, label: words.value.placeMap });
      map.current.show(position);
    }).catch((cause: unknown) => {
      console.warn('The map cannot be drawn.', cause);
      container.current?.setAttribute('hidden', '');
    });
    return () => { gone = true; map.current?.remove(); map.current = null; };
  }, []);
  useEffect(() => { map.current?.show(position); }, [position[0], position[1]]);
  return <div ref={container} class="pick-map place-map" />;
}
