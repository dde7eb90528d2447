/** The stations' layers: the tint of the measured area, groups, points, labels, and the ring around the chosen one. */

import type { AddLayerObject, ExpressionSpecification, GeoJSONSourceSpecification } from 'maplibre-gl';
import { inkOn, mixedColour, noColour, yesColour } from '../reading/palettes.ts';
import { countedState } from '../reading/words.ts';
import type { Ink } from './plain-style.ts';
import type { Grouping } from './points.ts';

export const places: GeoJSONSourceSpecification = { type: 'geojson', data: { type: 'FeatureCollection', features: [] } };

export const points: GeoJSONSourceSpecification = {
  type: 'geojson',
  data: { type: 'FeatureCollection', features: [] },
  cluster: true,
  clusterRadius: 34,
  clusterMaxZoom: 17,
  clusterProperties: {
    sum: ['+', ['coalesce', ['get', 'figure'], 0]],
    known: ['+', ['case', ['has', 'figure'], 1, 0]],
  },
};

/** Below the lines of the grid, so that the tint reads as ground. */
export function groundLayers(colours: Ink, latitude: number): AddLayerObject[] {
  return [
    { id: 'halo', type: 'circle', source: 'places', paint: { 'circle-radius': metres(680, latitude), 'circle-color': colours.halo } },
    { id: 'core', type: 'circle', source: 'places', paint: { 'circle-radius': metres(400, latitude), 'circle-color': colours.core } },
  ];
}

export function stationLayers(colours: Ink, font: string[]): AddLayerObject[] {
  const isGroup: ExpressionSpecification = ['has', 'point_count'];
  const isPoint: ExpressionSpecification = ['!', ['has', 'point_count']];
  return [
    {
      id: 'chosen', type: 'circle', source: 'chosen',
      paint: {
        'circle-radius': 15, 'circle-color': colours.accent, 'circle-opacity': 0.22,
        'circle-stroke-color': colours.accent, 'circle-stroke-width': 2.5,
      },
    },
    {
      id: 'points', type: 'circle', source: 'points', filter: isPoint,
      layout: { 'circle-sort-key': ['case', ['get', 'faded'], 0, 1] },
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 10, 5, 14, 7, 18, 10],
        'circle-color': ['case', ['get', 'faded'], colours.sheet, ['get', 'colour']],
        'circle-stroke-color': ['case', ['get', 'faded'], colours.quiet, colours.stroke],
        'circle-stroke-width': ['case', ['get', 'faded'], 2, 1.25],
        'circle-stroke-opacity': ['case', ['get', 'faded'], 1, 0.75],
      },
    },
    {
      id: 'groups', type: 'circle', source: 'points', filter: isGroup,
      paint: {
        'circle-radius': groupRadius(15),
        'circle-color': colours.accent,
        'circle-stroke-color': colours.sheet, 'circle-stroke-width': 2.5, 'circle-stroke-opacity': 0.9,
      },
    },
    {
      id: 'group-labels', type: 'symbol', source: 'points', filter: isGroup,
      layout: { 'text-field': ['to-string', ['get', 'point_count']], 'text-font': font, 'text-size': 13, 'text-allow-overlap': true },
      paint: { 'text-color': colours.onAccent },
    },
    {
      id: 'labels', type: 'symbol', source: 'points', filter: isPoint, minzoom: 12.5,
      layout: {
        'text-field': ['get', 'label'], 'text-font': font, 'text-size': 12.5, 'text-anchor': 'left',
        'text-offset': [0.9, 0], 'text-optional': true, 'text-padding': 1,
      },
      paint: { 'text-color': colours.text, 'text-halo-color': colours.textHalo, 'text-halo-width': 1.6 },
    },
  ];
}

/** A group grows with its members; labels of states ("12/40") need more room from the start. */
export const groupRadius = (smallest: number): ExpressionSpecification =>
  ['step', ['get', 'point_count'], smallest, 10, smallest + 3, 30, smallest + 7, 100, smallest + 11];

/** A group's colour: the town's own where there is nothing to average, else that of its members' mean. */
export function groupColour(colouring: Grouping, colours: Ink): ExpressionSpecification | string {
  const mean: ExpressionSpecification = ['/', ['get', 'sum'], ['get', 'known']];
  const known = (expression: ExpressionSpecification): ExpressionSpecification =>
    ['case', ['==', ['get', 'known'], 0], colours.quiet, expression];
  if (colouring.by === 'problems') return ['case', ['>', ['get', 'sum'], 0], yesColour, colours.accent];
  if (colouring.by === 'truth') return known(['step', mean, noColour, 1 / 3, mixedColour, 2 / 3, yesColour]);
  if (colouring.by !== 'numbers') return colours.accent;
  const { breaks, colours: classes } = colouring.scale;
  if (breaks.length === 0) return known(['literal', classes[0]!] as unknown as ExpressionSpecification);
  return known(['step', mean, classes[0]!, ...breaks.flatMap((bound, i) => [bound, classes[i + 1]!])] as unknown as ExpressionSpecification);
}

/** A group's ink: black or white, whichever its colour needs. */
export function groupInk(colouring: Grouping, colours: Ink): ExpressionSpecification | string {
  const mean: ExpressionSpecification = ['/', ['get', 'sum'], ['max', 1, ['get', 'known']]];
  if (colouring.by === 'problems') return ['case', ['>', ['get', 'sum'], 0], inkOn(yesColour), colours.onAccent];
  if (colouring.by === 'truth') return ['step', mean, inkOn(noColour), 1 / 3, inkOn(mixedColour), 2 / 3, inkOn(yesColour)];
  if (colouring.by !== 'numbers') return colours.onAccent;
  const { breaks, colours: classes } = colouring.scale;
  if (breaks.length === 0) return inkOn(classes[0]!);
  const step = ['step', mean, inkOn(classes[0]!), ...breaks.flatMap((bound, i) => [bound, inkOn(classes[i + 1]!)])];
  return ['case', ['==', ['get', 'known'], 0], '#16191d', step] as unknown as ExpressionSpecification;
}

/** States and problems are told as "12/40", the counted ones of all; all else as the number of stations. */
export function groupLabel(colouring: Grouping): ExpressionSpecification {
  const count: ExpressionSpecification = ['to-string', ['get', 'point_count']];
  if (colouring.by === 'problems') return ['case', ['>', ['get', 'sum'], 0], ['concat', ['to-string', ['get', 'sum']], '/', count], count];
  return colouring.by === 'truth'
    ? ['concat', ['to-string', countedState(colouring.quantity) ? ['get', 'sum'] : ['-', ['get', 'known'], ['get', 'sum']]], '/', ['to-string', ['get', 'known']]]
    : count;
}

/** A radius in metres on the ground; Web Mercator halves the metres of a pixel with each zoom level. */
function metres(length: number, latitude: number): ExpressionSpecification {
  const atZoom = (zoom: number) => (length * 2 ** zoom) / (78_271.517 * Math.cos((latitude * Math.PI) / 180));
  return ['interpolate', ['exponential', 2], ['zoom'], 6, atZoom(6), 20, atZoom(20)];
}
