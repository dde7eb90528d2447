import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { extentOf } from '../map/extent.ts';
import type { Position } from '../map/grid.ts';
import type { PickMap } from '../map/pick-map.ts';
import { grid, portal, town } from '../state.ts';
import { words } from './words.ts';

/** A coordinate as people type it: with a comma or a point. */
export function coordinate(text: string, most: number): number | null {
  const trimmed = text.trim().replace(',', '.');
  const value = Number(trimmed);
  return trimmed !== '' && Number.isFinite(value) && Math.abs(value) <= most ? value : null;
}

export const written = (degrees: number): string => degrees.toFixed(6);

/** GeoJSON of what was typed; null where both are empty. */
export function pointOf(latitude: string, longitude: string): { type: 'Point'; coordinates: [number, number] } | null | 'faulty' {
  if (latitude.trim() === '' && longitude.trim() === '') return null;
  const place = placeOf(latitude, longitude);
  return place ? { type: 'Point', coordinates: [...place] as [number, number] } : 'faulty';
}

/** A place, picked on the map, typed, or where this phone is. */
export function PlacePicker({ latitude, longitude }: { latitude: Signal<string>; longitude: Signal<string> }) {
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
      const chosen = placeOf(latitude.value, longitude.value);
      const bounds = extentOf(chosen ? [chosen] : known, bbox);
      map.current = new PickMap({ container: container.current, grid: grid.value!, bounds, style, baseMap: basemap, label: words.value.pickLabel, picked: take });
      map.current.show(chosen);
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
