/** The map of a town. It is loaded apart from the page, and knows nothing of it but what it is told. */

import {
  AttributionControl, Map as MapLibre, ScaleControl, setWorkerUrl,
  type ErrorEvent, type ExpressionSpecification, type GeoJSONSource, type LngLatBoundsLike, type MapMouseEvent, type PaddingOptions,
  type StyleSpecification,
} from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { baseMapSource, baseMapStyle } from './base-map.ts';
import { extentOf } from './extent.ts';
import type { Bounds, Grid, Position } from './grid.ts';
import { GridLabels } from './grid-labels.ts';
import { groundLayers, groupColour, groupInk, groupLabel, groupRadius, places, points, stationLayers } from './layers.ts';
import { ink, plainStyle } from './plain-style.ts';
import type { Grouping, PointProperties } from './points.ts';

setWorkerUrl(workerUrl);

export interface Place {
  position: Position;
  properties: PointProperties;
}

export interface MapEvents {
  /** One station was chosen, or several that lie at one place. */
  chosen(ids: string[]): void;
  /** The pointer is over a station; null when it left. */
  pointed(at: { x: number; y: number; point: PointProperties } | null): void;
  ready(): void;
}

export interface TownMapOptions {
  container: HTMLElement;
  grid: Grid;
  bounds: Bounds;
  /** Address of a style to use in place of our own. */
  style: string | null;
  /** Address of the town's own base map; without it the plain map with its squares is drawn. */
  baseMap: string | null;
  label: string;
  padding: () => PaddingOptions;
  events: MapEvents;
}

const night = matchMedia('(prefers-color-scheme: dark)');

export class TownMap {
  readonly #map: MapLibre;
  readonly #options: TownMapOptions;
  #places: Place[] = [];
  #all: Position[] = [];
  #fitted = false;
  #baseMap: string | null;
  #labels: GridLabels | null = null;
  #colouring: Grouping = { by: 'dataset', colours: new Map() };
  #chosen: Position | null = null;

  constructor(options: TownMapOptions) {
    this.#options = options;
    this.#baseMap = options.style ? null : options.baseMap;
    this.#map = new MapLibre({
      container: options.container,
      style: options.style ?? this.#ownStyle(),
      bounds: [...options.bounds],
      maxBounds: surroundings(options.bounds),
      fitBoundsOptions: { padding: options.padding() },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxZoom: 19,
      minZoom: 6,
      fadeDuration: 0,
      locale: { 'Map.Title': options.label },
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.addControl(new ScaleControl({ unit: 'metric', maxWidth: 90 }), 'bottom-right');
    if (options.style) this.#map.addControl(new AttributionControl({ compact: true }), 'bottom-right');
    else if (!this.#baseMap) this.#labelSquares();
    this.#map.on('error', event => this.#failed(event as ErrorEvent & { sourceId?: string }));
    this.#map.on('style.load', () => this.#furnish());
    this.#map.once('load', () => options.events.ready());
    this.#map.on('click', event => void this.#click(event));
    this.#map.on('mousemove', event => this.#point(event));
    this.#map.on('mouseout', () => options.events.pointed(null));
    this.#map.on('movestart', () => options.events.pointed(null));
    night.addEventListener('change', this.#recolour);
  }

  /** Shows these stations, coloured so. */
  show(shown: Place[], colouring: Grouping): void {
    this.#places = shown;
    this.#colouring = colouring;
    this.#draw();
  }

  /** The places of all stations, chosen or not: they tint the ground. */
  ground(positions: Position[]): void {
    this.#all = positions;
    this.#drawGround();
    // Once, when the stations are first known: from then on the visitor says what is shown.
    if (this.#fitted || positions.length === 0) return;
    this.#fitted = true;
    if (!this.#chosen) this.#fit(0);
  }

  /** Marks a station, and brings it into view where it is hidden. */
  choose(position: Position | null): void {
    this.#chosen = position;
    this.#drawChosen();
    if (!position) return;
    const padding = this.#options.padding();
    const { x, y } = this.#map.project([...position]);
    const { clientWidth: width, clientHeight: height } = this.#map.getContainer();
    const hidden = x < padding.left! || x > width - padding.right! || y < padding.top! || y > height - padding.bottom!;
    // A link that leads to a station shows it with its streets.
    if (hidden || !this.#fitted || this.#map.getZoom() < 12)
      this.#map.easeTo({ center: [...position], zoom: Math.max(this.#map.getZoom(), 16), padding });
  }

  zoom(by: number): void {
    this.#map.easeTo({ zoom: this.#map.getZoom() + by, duration: 200 });
  }

  wholeTown(): void {
    this.#fit();
  }

  #fit(duration?: number): void {
    this.#map.fitBounds([...extentOf(this.#all, this.#options.bounds)], { padding: this.#options.padding(), maxZoom: 16, ...(duration !== undefined && { duration }) });
  }

  resize(): void {
    this.#map.resize();
  }

  remove(): void {
    night.removeEventListener('change', this.#recolour);
    this.#map.remove();
  }

  readonly #recolour = (): void => {
    if (!this.#options.style) this.#map.setStyle(this.#ownStyle(), { diff: false });
  };

  #ownStyle(): StyleSpecification {
    const colours = ink(night.matches);
    return this.#baseMap ? baseMapStyle(this.#baseMap, colours, night.matches) : plainStyle(this.#options.grid, colours);
  }

  #labelSquares(): void {
    this.#labels ??= new GridLabels(this.#map, this.#options.grid);
  }

  /** A base map that cannot be had leaves the plain map with its squares. */
  #failed({ error, sourceId }: ErrorEvent & { sourceId?: string }): void {
    console.warn('The map misses something.', error);
    if (sourceId !== baseMapSource || !this.#baseMap) return;
    this.#baseMap = null;
    this.#labelSquares();
    this.#recolour();
  }

  /** Puts the stations upon whatever ground the style has laid. */
  #furnish(): void {
    const colours = ink(night.matches);
    this.#map.addSource('places', places);
    this.#map.addSource('points', points);
    this.#map.addSource('chosen', places);
    if (!this.#options.style && !this.#baseMap) {
      const latitude = (this.#options.bounds[1] + this.#options.bounds[3]) / 2;
      for (const layer of groundLayers(colours, latitude)) this.#map.addLayer(layer, 'grid-fine');
    }
    for (const layer of stationLayers(colours, this.#font())) this.#map.addLayer(layer);
    this.#draw();
    this.#drawGround();
    this.#drawChosen();
  }

  /** A configured style brings glyphs for its own fonts only; the plain one uses the visitor's. */
  #font(): string[] {
    for (const layer of this.#map.getStyle().layers) {
      const font = layer.type === 'symbol' ? layer.layout?.['text-font'] : undefined;
      if (Array.isArray(font) && font.every(name => typeof name === 'string')) return font as string[];
    }
    return this.#map.getStyle().glyphs ? ['Open Sans Regular', 'Arial Unicode MS Regular'] : ['system-ui', 'sans-serif'];
  }

  #draw(): void {
    const source = this.#map.getSource<GeoJSONSource>('points');
    if (!source) return;
    const colours = ink(night.matches);
    void source.setData(collection(this.#places.map(({ position, properties }) => feature(position, properties))));
    this.#map.setPaintProperty('groups', 'circle-radius', groupRadius(this.#colouring.by === 'truth' || this.#colouring.by === 'problems' ? 20 : 15));
    this.#map.setPaintProperty('groups', 'circle-color', groupColour(this.#colouring, colours));
    this.#map.setPaintProperty('group-labels', 'text-color', groupInk(this.#colouring, colours));
    this.#map.setLayoutProperty('group-labels', 'text-field', groupLabel(this.#colouring) as ExpressionSpecification);
  }

  #drawGround(): void {
    void this.#map.getSource<GeoJSONSource>('places')?.setData(collection(this.#all.map(position => feature(position, {}))));
  }

  #drawChosen(): void {
    void this.#map.getSource<GeoJSONSource>('chosen')?.setData(collection(this.#chosen ? [feature(this.#chosen, {})] : []));
  }

  #at({ x, y }: { x: number; y: number }, reach: number) {
    if (!this.#map.getLayer('points')) return [];
    return this.#map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers: ['points', 'groups'] });
  }

  async #click(event: MapMouseEvent): Promise<void> {
    const [hit, ...others] = this.#at(event.point, 4);
    if (!hit) return;
    if (hit.properties['cluster']) {
      await this.#enter(Number(hit.properties['cluster_id']), event);
      return;
    }
    const ids = [hit, ...others].filter(found => !found.properties['cluster']).map(found => String(found.properties['id']));
    this.#options.events.chosen([...new Set(ids)]);
  }

  /** A group opens as the map comes nearer; one whose members share a place is told as a list. */
  async #enter(group: number, event: MapMouseEvent): Promise<void> {
    const source = this.#map.getSource<GeoJSONSource>('points')!;
    const zoom = await source.getClusterExpansionZoom(group);
    if (zoom > 18) {
      const members = await source.getClusterLeaves(group, 100, 0);
      this.#options.events.chosen(members.map(member => String(member.properties?.['id'])));
    } else {
      this.#map.easeTo({ center: event.lngLat, zoom: zoom + 0.4, padding: this.#options.padding() });
    }
  }

  #point(event: MapMouseEvent): void {
    const [hit] = this.#at(event.point, 3);
    this.#map.getCanvas().style.cursor = hit ? 'pointer' : '';
    const isPoint = hit && !hit.properties['cluster'];
    this.#options.events.pointed(isPoint ? { ...{ x: event.point.x, y: event.point.y }, point: hit.properties as PointProperties } : null);
  }
}

/** The municipality's bounds with as much again on each side: the map does not lose its way. */
const surroundings = ([west, south, east, north]: Bounds): LngLatBoundsLike =>
  [2 * west - east, Math.max(-85, 2 * south - north), 2 * east - west, Math.min(85, 2 * north - south)];

const feature = (position: Position, properties: object) =>
  ({ type: 'Feature' as const, properties: { ...properties }, geometry: { type: 'Point' as const, coordinates: [...position] } });

const collection = (features: ReturnType<typeof feature>[]) => ({ type: 'FeatureCollection' as const, features });
