import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { adopt, isDevEui } from '../data/devices.ts';
import { Refused } from '../data/http.ts';
import { extentOf } from '../map/extent.ts';
import type { Position } from '../map/grid.ts';
import type { PickMap } from '../map/pick-map.ts';
import { grid, portal, town } from '../state.ts';
import { connected, kind, sender } from './guide.ts';
import { words } from './words.ts';

/** A coordinate as people type it: with a comma or a point. */
export function coordinate(text: string, most: number): number | null {
  const trimmed = text.trim().replace(',', '.');
  const value = Number(trimmed);
  return trimmed !== '' && Number.isFinite(value) && Math.abs(value) <= most ? value : null;
}

const written = (degrees: number): string => degrees.toFixed(6);

/** What it is called and where it is; then it is registered, and what it has sent becomes readings. */
export function PlaceStep() {
  const w = words.value;
  const device = sender.value!;
  const name = useSignal(isDevEui(device.name) ? '' : device.name);
  const department = useSignal('');
  const latitude = useSignal('');
  const longitude = useSignal('');
  const state = useSignal<{ busy: boolean; fault: string | null }>({ busy: false, fault: null });

  async function connect(event: Event): Promise<void> {
    event.preventDefault();
    const [lat, lon] = [coordinate(latitude.value, 90), coordinate(longitude.value, 180)];
    const without = latitude.value.trim() === '' && longitude.value.trim() === '';
    if (!without && (lat === null || lon === null)) { state.value = { busy: false, fault: w.badPlace }; return; }
    state.value = { busy: true, fault: null };
    try {
      connected.value = await adopt(device, {
        name: name.value.trim(),
        profile: kind.value!.id,
        ...(lat !== null && lon !== null && { location: { type: 'Point', coordinates: [lon, lat] } }),
        ...(department.value.trim() !== '' && { department: department.value.trim() }),
      });
    } catch (fault) {
      state.value = { busy: false, fault: whyOf(fault) };
    }
  }

  return (
    <form class="place-form" onSubmit={event => void connect(event)}>
      <label for="device-name">{w.name}</label>
      <input id="device-name" required maxLength={200} value={name.value} aria-describedby="device-name-more" onInput={event => { name.value = event.currentTarget.value; }} />
      <p id="device-name-more" class="more">{w.nameHint}</p>
      <PlacePicker latitude={latitude} longitude={longitude} />
      <label for="device-department">{w.department}</label>
      <input id="device-department" maxLength={100} value={department.value} onInput={event => { department.value = event.currentTarget.value; }} />
      {state.value.fault && <p class="fault" role="alert">{state.value.fault}</p>}
      <p class="step-actions"><button class="primary" disabled={state.value.busy}>{state.value.busy ? w.connecting : w.connect}</button></p>
    </form>
  );
}

function whyOf(fault: unknown): string {
  const w = words.value;
  if (!(fault instanceof Refused)) return w.failed;
  if (fault.kind === 'dev_eui_taken' || fault.kind === 'device_exists') return w.nameTaken;
  return fault.kind === 'not_in_inbox' ? w.gone : w.refused(fault.detail);
}

function PlacePicker({ latitude, longitude }: { latitude: Signal<string>; longitude: Signal<string> }) {
  const w = words.value;
  const container = useRef<HTMLDivElement>(null);
  const map = useRef<PickMap | null>(null);
  const fault = useSignal<string | null>(null);
  const position: Position | null = placeOf(latitude.value, longitude.value);

  function take([lon, lat]: Position): void {
    [longitude.value, latitude.value] = [written(lon), written(lat)];
  }

  useEffect(() => {
    let gone = false;
    import('../map/pick-map.ts').then(({ PickMap }) => {
      if (gone || !container.current) return;
      const { bbox, map: { style, basemap } } = portal.value!;
      const known = [...town.value.things.values()].map(thing => thing.position).filter((place): place is Position => place !== null);
      map.current = new PickMap({ container: container.current, grid: grid.value!, bounds: extentOf(known, bbox), style, baseMap: basemap, label: words.value.pickLabel, picked: take });
      map.current.show(placeOf(latitude.value, longitude.value));
    }).catch((cause: unknown) => {
      // The coordinates can be typed.
      console.warn('The map cannot be drawn.', cause);
      container.current?.setAttribute('hidden', '');
    });
    return () => { gone = true; map.current?.remove(); map.current = null; };
  }, []);
  useEffect(() => { map.current?.show(position); }, [latitude.value, longitude.value]);

  function locate(): void {
    fault.value = null;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => take([coords.longitude, coords.latitude]),
      () => { fault.value = w.noPlace; },
      { enableHighAccuracy: true, timeout: 15_000 });
  }

  return (
    <fieldset class="place">
      <legend>{w.pickOnMap}</legend>
      <div ref={container} class="pick-map" />
      <div class="coordinates">
        <label>{w.latitude}<input inputMode="decimal" value={latitude.value} onInput={event => { latitude.value = event.currentTarget.value; }} /></label>
        <label>{w.longitude}<input inputMode="decimal" value={longitude.value} onInput={event => { longitude.value = event.currentTarget.value; }} /></label>
        {'geolocation' in navigator && isSecureContext && <button type="button" onClick={locate}>{w.myPlace}</button>}
      </div>
      {fault.value && <p class="fault" role="alert">{fault.value}</p>}
    </fieldset>
  );
}

function placeOf(latitude: string, longitude: string): Position | null {
  const [lat, lon] = [coordinate(latitude, 90), coordinate(longitude, 180)];
  return lat === null || lon === null ? null : [lon, lat];
}
