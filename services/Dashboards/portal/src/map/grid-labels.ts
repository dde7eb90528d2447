import type { Map as MapLibre } from 'maplibre-gl';
import { letters, type Grid } from './grid.ts';

const narrowest = 26;

/** Letters along the upper and numbers along the right edge of the map, following it as it moves. */
export class GridLabels {
  readonly #labels: { element: HTMLElement; at: () => number; horizontal: boolean }[] = [];

  constructor(map: MapLibre, grid: Grid) {
    const frame = document.createElement('div');
    frame.className = 'grid-labels';
    frame.ariaHidden = 'true';
    const label = (text: string, horizontal: boolean, at: () => number) => {
      const element = document.createElement('span');
      element.textContent = text;
      element.className = horizontal ? 'column' : 'row';
      frame.append(element);
      this.#labels.push({ element, at, horizontal });
    };
    for (let i = 0; i < grid.columns; i++)
      label(letters(i), true, () => map.project([grid.longitude(i + 0.5), grid.latitude(0)]).x);
    for (let i = 0; i < grid.rows; i++)
      label(String(i + 1), false, () => map.project([grid.longitude(0), grid.latitude(i + 0.5)]).y);
    map.getCanvasContainer().after(frame);

    const place = () => {
      const { clientWidth: width, clientHeight: height } = map.getContainer();
      const cell = map.project([grid.longitude(1), grid.latitude(0)]).x - map.project([grid.longitude(0), grid.latitude(0)]).x;
      for (const { element, at, horizontal } of this.#labels) {
        const offset = at();
        const room = horizontal ? width : height;
        element.hidden = cell < narrowest || offset < 12 || offset > room - 12;
        element.style.transform = horizontal ? `translateX(calc(${offset}px - 50%))` : `translateY(calc(${offset}px - 50%))`;
      }
    };
    map.on('move', place);
    map.on('resize', place);
    place();
  }
}
