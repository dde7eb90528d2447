/**
 * The grid squares of a town plan: letters from west to east, numbers from north to south. They give the plain map a
 * scale and a place a name ("C4") that can be told on the telephone, and that the list can show, too.
 */

export type Bounds = readonly [west: number, south: number, east: number, north: number];
export type Position = readonly [longitude: number, latitude: number];

const sizes = [250, 500, 1000, 2000, 5000, 10_000];
const mostColumns = 12;
const metresPerDegree = 111_320;

export class Grid {
  /** Width and height of a square in metres. */
  readonly size: number;
  readonly columns: number;
  readonly rows: number;
  readonly #west: number;
  readonly #north: number;
  readonly #stepX: number;
  readonly #stepY: number;

  constructor([west, south, east, north]: Bounds) {
    const metresX = metresPerDegree * Math.cos((((south + north) / 2) * Math.PI) / 180);
    const width = (east - west) * metresX;
    const height = (north - south) * metresPerDegree;
    this.size = sizes.find(size => Math.max(width, height) / size <= mostColumns) ?? sizes.at(-1)!;
    this.columns = Math.max(1, Math.ceil(width / this.size));
    this.rows = Math.max(1, Math.ceil(height / this.size));
    this.#stepX = this.size / metresX;
    this.#stepY = this.size / metresPerDegree;
    // What the last squares reach beyond the bounds is shared by both sides.
    this.#west = west - (this.columns * this.#stepX - (east - west)) / 2;
    this.#north = north + (this.rows * this.#stepY - (north - south)) / 2;
  }

  get bounds(): Bounds {
    return [this.#west, this.latitude(this.rows), this.longitude(this.columns), this.#north];
  }

  longitude(column: number): number {
    return this.#west + column * this.#stepX;
  }

  latitude(row: number): number {
    return this.#north - row * this.#stepY;
  }

  /** The square that a place lies in, "C4"; null outside of the grid. */
  square([longitude, latitude]: Position): string | null {
    const column = Math.floor((longitude - this.#west) / this.#stepX);
    const row = Math.floor((this.#north - latitude) / this.#stepY);
    const inside = column >= 0 && column < this.columns && row >= 0 && row < this.rows;
    return inside ? letters(column) + (row + 1) : null;
  }

  /** The lines, `parts` to a square; lines that bound whole squares are `main`. */
  lines(parts = 1): { main: boolean; from: Position; to: Position }[] {
    const [west, south, east, north] = this.bounds;
    const upright = Array.from({ length: this.columns * parts + 1 }, (_, i) => {
      const x = this.longitude(i / parts);
      return { main: i % parts === 0, from: [x, south] as const, to: [x, north] as const };
    });
    const level = Array.from({ length: this.rows * parts + 1 }, (_, i) => {
      const y = this.latitude(i / parts);
      return { main: i % parts === 0, from: [west, y] as const, to: [east, y] as const };
    });
    return [...upright, ...level];
  }
}

/** A, B, … Z, AA, AB … */
export function letters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}
