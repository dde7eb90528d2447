/**
 * A town's own base map: a GeoJSON file whose features say with `kind` what they are (district, park, water, building, road) and with `name` what
 * people call them. Calm colours, so that the stations stand out; text is drawn with the visitor's own fonts (a style without `glyphs`).
 */

import type { ExpressionSpecification, FilterSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Ink } from './plain-style.ts';

/** The id of its source, by which a failure to load it is known. */
export const baseMapSource = 'basemap';

interface Land {
  ground: string;
  district: string;
  border: string;
  park: string;
  parkText: string;
  water: string;
  waterText: string;
  building: string;
  road: string;
  roadEdge: string;
  roadText: string;
  districtText: string;
}

const light: Land = {
  ground: '#f1f2ec', district: '#edece7', border: '#cfcbc0', park: '#d8e6cd', parkText: '#4d6b41', water: '#b4d3e3', waterText: '#33647f',
  building: '#dedad2', road: '#ffffff', roadEdge: '#d9d5cc', roadText: '#5d6166', districtText: '#6f7278',
};

const dark: Land = {
  ground: '#14191c', district: '#1a2025', border: '#39424b', park: '#1c2b22', parkText: '#8fb299', water: '#16344a', waterText: '#86b6d1',
  building: '#252d34', road: '#39434d', roadEdge: '#12171b', roadText: '#b3bcc6', districtText: '#8f99a4',
};

export function baseMapStyle(address: string, ink: Ink, night: boolean): StyleSpecification {
  const land = night ? dark : light;
  return {
    version: 8,
    sources: { [baseMapSource]: { type: 'geojson', data: new URL(address, location.href).href } },
    layers: [{ id: 'ground', type: 'background', paint: { 'background-color': land.ground } }, ...areas(land), ...roads(land), ...names(land, ink.textHalo)],
  };
}

const is = (kind: string): FilterSpecification => ['==', ['get', 'kind'], kind];
const isMain: ExpressionSpecification = ['==', ['get', 'main'], true];
const byZoom = (...stops: [zoom: number, value: number][]): ExpressionSpecification => ['interpolate', ['exponential', 1.5], ['zoom'], ...stops.flat()];

function areas(land: Land): LayerSpecification[] {
  const fill = (kind: string, colour: string): LayerSpecification =>
    ({ id: `land-${kind}`, type: 'fill', source: baseMapSource, filter: is(kind), paint: { 'fill-color': colour } });
  return [
    fill('district', land.district),
    fill('park', land.park),
    {
      id: 'land-border', type: 'line', source: baseMapSource, filter: is('district'),
      paint: { 'line-color': land.border, 'line-width': 1, 'line-dasharray': [4, 3] },
    },
    fill('water', land.water),
    { ...fill('building', land.building), minzoom: 13 } as LayerSpecification,
  ];
}

function roads(land: Land): LayerSpecification[] {
  const line = (id: string, colour: string, main: boolean, width: ExpressionSpecification): LayerSpecification => ({
    id, type: 'line', source: baseMapSource, filter: ['all', is('road'), main ? isMain : ['!', isMain]] as FilterSpecification, minzoom: main ? 0 : 12.5,
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': colour, 'line-width': width },
  });
  return [
    line('side-roads-edge', land.roadEdge, false, byZoom([12, 1], [14, 3], [17, 12])),
    line('main-roads-edge', land.roadEdge, true, byZoom([10, 2], [14, 6.5], [17, 20])),
    line('side-roads', land.road, false, byZoom([12, 0.5], [14, 1.8], [17, 10])),
    line('main-roads', land.road, true, byZoom([10, 1.2], [14, 4.6], [17, 17])),
  ];
}

function names(land: Land, halo: string): LayerSpecification[] {
  const font = ['system-ui', 'sans-serif'];
  const area = (kind: string, colour: string, size: number, zooms: { minzoom?: number; maxzoom?: number }): LayerSpecification => ({
    id: `name-${kind}`, type: 'symbol', source: baseMapSource, ...zooms, filter: ['all', is(kind), ['has', 'name']] as FilterSpecification,
    layout: { 'text-field': ['get', 'name'], 'text-font': font, 'text-size': size, 'text-max-width': 7, 'text-padding': 6 },
    paint: { 'text-color': colour, 'text-halo-color': halo, 'text-halo-width': 1.2 },
  });
  const along = (id: string, filter: FilterSpecification, colour: string, size: number, minzoom: number): LayerSpecification => ({
    id, type: 'symbol', source: baseMapSource, filter, minzoom,
    layout: { 'symbol-placement': 'line', 'symbol-spacing': 320, 'text-field': ['get', 'name'], 'text-font': font, 'text-size': size, 'text-letter-spacing': 0.02 },
    paint: { 'text-color': colour, 'text-halo-color': halo, 'text-halo-width': 1.4 },
  });
  return [
    area('district', land.districtText, 13, { maxzoom: 14.5 }),
    area('park', land.parkText, 12, { minzoom: 13.5 }),
    area('building', land.roadText, 11.5, { minzoom: 15.5 }),
    along('name-main-roads', ['all', is('road'), isMain, ['has', 'name']] as FilterSpecification, land.roadText, 11.5, 13.2),
    along('name-side-roads', ['all', is('road'), ['!', isMain], ['has', 'name']] as FilterSpecification, land.roadText, 11, 15.5),
    area('water', land.waterText, 12, { minzoom: 13.5 }),
  ];
}
