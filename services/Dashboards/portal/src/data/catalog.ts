/** The town's datasets, as its catalogue describes them. */

import { getJson, ownLink, path } from './http.ts';
import type { Dataset } from './model.ts';

interface DatasetEntity extends Partial<Omit<Dataset, 'modified' | 'keptDays'>> {
  id: string;
  retention?: { rawDays?: number | null } | null;
  modified?: string | null;
}

export async function loadDatasets(): Promise<Dataset[]> {
  const datasets: Dataset[] = [];
  let next: string | null = path('catalog/datasets');
  while (next) {
    const page: { value: DatasetEntity[]; next?: string | null } = await getJson(next);
    datasets.push(...page.value.map(datasetOf));
    next = page.next ? ownLink(page.next) : null;
  }
  return datasets.sort((a, b) => a.title.localeCompare(b.title, 'de'));
}

function datasetOf(entity: DatasetEntity): Dataset {
  return {
    id: entity.id,
    title: entity.title || entity.id,
    description: entity.description ?? '',
    access: entity.access ?? 'internal',
    licence: entity.licence ?? '',
    keywords: entity.keywords ?? [],
    things: entity.things ?? 0,
    // Data of persons has none: nothing of it can be downloaded.
    distributions: (entity.distributions ?? []).map(({ format, href }) => ({ format: format.toLowerCase(), href: ownLink(href) })),
    keptDays: entity.retention?.rawDays ?? null,
    modified: entity.modified ? Date.parse(entity.modified) : null,
  };
}
