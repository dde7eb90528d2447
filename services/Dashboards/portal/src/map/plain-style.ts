/**
 * The map without a tile server: calm ground, the squares of the town plan, and around the stations a tint that shows
 * where the town measures. Nothing is fetched; text is drawn with the visitor's own fonts (a style without `glyphs`).
 */

import type { StyleSpecification } from 'maplibre-gl';
import type { Grid } from './grid.ts';

export interface Ink {
  ground: string;
  sheet: string;
  line: string;
  fine: string;
  halo: string;
  core: string;
  text: string;
  textHalo: string;
  stroke: string;
  quiet: string;
  accent: string;
  onAccent: string;
}

const light: Omit<Ink, 'accent' | 'onAccent'> = {
  ground: '#e7e9ea', sheet: '#f4f4f1', line: '#d9dbd8', fine: '#e8e9e5', halo: '#eae9e2', core: '#e2e0d6',
  text: '#2b3036', textHalo: '#fafaf8', stroke: '#2a2f35', quiet: '#8b9199',
};

const dark: Omit<Ink, 'accent' | 'onAccent'> = {
  ground: '#101418', sheet: '#191f25', line: '#313a44', fine: '#262d35', halo: '#20272f', core: '#28313a',
  text: '#e4e8ec', textHalo: '#101418', stroke: '#eef1f4', quiet: '#7d8793',
};

/** The colours of the map: neutral ground by day and night, and the town's own accent. */
export function ink(night: boolean): Ink {
  const theme = getComputedStyle(document.documentElement);
  return {
    ...(night ? dark : light),
    accent: theme.getPropertyValue('--accent').trim() || '#0b5c8a',
    onAccent: theme.getPropertyValue('--on-accent').trim() || '#ffffff',
  };
}

export function plainStyle(grid: Grid, colours: Ink): StyleSpecification {
  const [west, south, east, north] = grid.bounds;
  return {
    version: 8,
    sources: {
      sheet: {
        type: 'geojson',
        data: { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] },
      },
      grid: {
        type: 'geojson',
        data: {
          type: 'FeatureCollection',
          features: grid.lines(4).map(({ main, from, to }) => ({
            type: 'Feature', properties: { main }, geometry: { type: 'LineString', coordinates: [[...from], [...to]] },
          })),
        },
      },
    },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': colours.ground } },
      { id: 'sheet', type: 'fill', source: 'sheet', paint: { 'fill-color': colours.sheet } },
      {
        id: 'grid-fine', type: 'line', source: 'grid', filter: ['!', ['get', 'main']], minzoom: 13,
        paint: { 'line-color': colours.fine, 'line-width': 1, 'line-opacity': ['interpolate', ['linear'], ['zoom'], 13, 0, 14, 1] },
      },
      { id: 'grid', type: 'line', source: 'grid', filter: ['get', 'main'], paint: { 'line-color': colours.line, 'line-width': 1 } },
    ],
  };
}
