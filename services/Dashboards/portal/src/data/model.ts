/** What the portal knows of a town: Things, their Datastreams with the latest reading, and the quantities they measure. */

export type Value = number | boolean | string;
export type Flag = 'good' | 'suspect' | 'bad' | 'missing';

export interface Quality {
  flag: Flag;
  reasons: string[];
}

export interface Reading {
  time: number;
  value: Value | null;
  quality: Quality;
}

export interface Datastream {
  id: string;
  name: string;
  /** Its name in English, where the town gave one. */
  nameEn: string;
  /** UCUM code, as shown. */
  unit: string;
  /** What values are multiplied by to be in that unit. */
  factor: number;
  quantity: string;
  dataset: string;
  /** Milliseconds between two readings, where the town says so. */
  expectedInterval: number | null;
  latest: Reading | null;
  /** When a new value came live, by this page's clock. */
  changed: number | null;
  thing: Thing;
}

export interface Thing {
  id: string;
  name: string;
  description: string;
  dataset: string;
  /** Longitude and latitude; null where the town has not placed it. */
  position: readonly [number, number] | null;
  datastreams: Datastream[];
}

export interface Quantity {
  id: string;
  name: string;
  /** Its name in English, where the town gave one. */
  nameEn: string;
  description: string;
  unit: string;
}

export interface Town {
  things: Map<string, Thing>;
  datastreams: Map<string, Datastream>;
  quantities: Map<string, Quantity>;
}

export interface Distribution {
  format: string;
  href: string;
}

export interface Dataset {
  id: string;
  title: string;
  description: string;
  access: string;
  licence: string;
  keywords: string[];
  things: number;
  distributions: Distribution[];
  modified: number | null;
  /** Days that single values are kept; null or absent for ever. */
  keptDays?: number | null;
}
