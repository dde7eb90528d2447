/** A small map on which a place is picked, or shown. It is loaded apart from the page, like the map of the town, and has the same ground. */

import { AttributionControl, Map as MapLibre, NavigationControl, setWorkerUrl, type GeoJSONSource } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { baseMapStyle } from './base-map.ts';
import type { Bounds, Grid, Position } from './grid.ts';
import { ink, plainStyle } from './plain-style.ts';

setWorkerUrl(workerUrl);

export interface PickMapOptions {
  container: HTMLElement;
  grid: Grid;
  bounds: Bounds;
  style: string | null;
  baseMap: string | null;
  label: string;
  /** Missing where a place is only shown. */
  picked?(position: Position): void;
}

const night = matchMedia('(prefers-color-scheme: dark)');
const nearby = 16;

export class PickMap {
  readonly #map: MapLibre;
  #position: Position | null = null;

  constructor({ container, grid, bounds, style, baseMap, label, picked }: PickMapOptions) {
    const colours = ink(night.matches);
    this.#map = new MapLibre({
      container,
      style: style ?? (baseMap ? baseMapStyle(baseMap, colours, night.matches) : plainStyle(grid, colours)),
      bounds: [...bounds],
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      // Two fingers move the map, one the page: the map stands in the middle of a form.
      cooperativeGestures: matchMedia('(pointer: coarse)').matches,
      maxZoom: 19,
      fadeDuration: 0,
      locale: { 'Map.Title': label },
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.addControl(new NavigationControl({ showCompass: false }), 'top-right');
    if (style) this.#map.addControl(new AttributionControl({ compact: true }), 'bottom-right');
    if (picked) {
      this.#map.getCanvas().style.cursor = 'crosshair';
      this.#map.on('click', event => {
        const { lng, lat } = event.lngLat.wrap();
        picked([lng, lat]);
      });
    }
    this.#map.once('load', () => {
      // Laid out while the form around it still was: it takes its final size, and shows the whole town in it.
      this.#map.resize();
      if (!this.#position) this.#map.fitBounds([...bounds], { duration: 0, padding: 24 });
    });
    this.#map.on('style.load', () => {
      this.#map.addSource('picked', { type: 'geojson', data: this.#picked() });
      this.#map.addLayer({
        id: 'picked', type: 'circle', source: 'picked',
        paint: { 'circle-radius': 9, 'circle-color': colours.accent, 'circle-stroke-width': 3, 'circle-stroke-color': colours.onAccent },
      });
    });
  }

  /** Marks the place, and goes there where it is out of sight. */
  show(position: Position | null): void {
    this.#position = position;
    void this.#map.getSource<GeoJSONSource>('picked')?.setData(this.#picked());
    if (position && !this.#map.getBounds().contains([...position])) this.#map.easeTo({ center: [...position], zoom: Math.max(this.#map.getZoom(), nearby) });
  }

  remove(): void {
    this.#map.remove();
  }

  #picked() {
    const features = this.#position ? [{ type: 'Feature' as const, properties: {}, geometry: { type: 'Point' as const, coordinates: [...this.#position] } }] : [];
    return { type: 'FeatureCollection' as const, features };
  }
}
