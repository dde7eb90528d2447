import { useEffect } from 'preact/hooks';
import { path } from '../data/http.ts';
import type { Dataset } from '../data/model.ts';
import { date } from '../reading/age.ts';
import { Icon } from '../shell/icons.tsx';
import { follow } from '../shell/links.ts';
import { address, datasets, go, link, portal, reloadDatasets } from '../state.ts';
import { language, text } from '../text.ts';
import { licenceOf } from './licences.ts';

/** What there is, whose, under which terms, and how to have it. */
export function DatasetsView() {
  const t = text.value;
  const list = datasets.value;
  const wanted = address.value.dataset;
  useEffect(() => { if (wanted) document.getElementById(`dataset-${wanted}`)?.scrollIntoView({ block: 'center' }); }, [wanted, list]);
  return (
    <section class="datasets-view" aria-labelledby="datasets-title">
      <h1 id="datasets-title">{t.datasets}</h1>
      <p class="intro">{t.datasetsIntro(portal.value!.name)}</p>
      {list === 'failed' && <p class="notice" role="alert">{t.datasetsFailed} <button type="button" onClick={() => void reloadDatasets()}>{t.retry}</button></p>}
      {list === 'loading' && <p role="status">{t.loading}</p>}
      {Array.isArray(list) && list.length === 0 && <p class="notice">{t.datasetsEmpty}</p>}
      {Array.isArray(list) && <ul class="cards">{list.map(dataset => <li key={dataset.id}><Card dataset={dataset} wanted={dataset.id === wanted} /></li>)}</ul>}
      <Interfaces />
    </section>
  );
}

const mostKeywords = 8;

function Card({ dataset, wanted }: { dataset: Dataset; wanted: boolean }) {
  const t = text.value;
  const licence = licenceOf(dataset.licence, language.value);
  // Identifiers are for programs, which find them in the catalogue.
  const words = dataset.keywords.filter(keyword => !/^[a-z0-9]+(_[a-z0-9]+)+$/.test(keyword)).slice(0, mostKeywords);
  const show = { view: 'map', dataset: dataset.id, quantity: null, search: '' } as const;
  return (
    <article class="card" id={`dataset-${dataset.id}`} data-wanted={wanted || undefined}>
      <h2>{dataset.title}</h2>
      {dataset.description && <p class="about" title={dataset.description}>{dataset.description}</p>}
      <dl>
        <div><dt>{t.access}</dt><dd><span class={`access access-${dataset.access}`}>{t.accesses[dataset.access] ?? dataset.access}</span></dd></div>
        <div><dt>{t.licence}</dt><dd>{!licence ? t.noLicence : licence.href ? <a href={licence.href} rel="license">{licence.name}</a> : licence.name}</dd></div>
        {dataset.keptDays != null && <div><dt>{t.kept}</dt><dd>{t.keptDays(dataset.keptDays)}</dd></div>}
        {dataset.modified !== null && <div><dt>{t.modified}</dt><dd>{date(dataset.modified, language.value)}</dd></div>}
      </dl>
      {words.length > 0 && <p class="keywords">{words.join(' · ')}</p>}
      <p class="actions">
        <a href={link(show)} onClick={event => follow(event, () => go(show))}><Icon sign="pin" />{t.places(dataset.things)}</a>
        {dataset.distributions.map(({ format, href }) => {
          const name = formats[format] ?? format.toUpperCase();
          return services.has(format)
            ? <a key={format} href={href}><Icon sign="link" />{name}</a>
            : <a key={format} href={href} download aria-label={t.downloadAs(name, dataset.title)}><Icon sign="download" />{name}</a>;
        })}
      </p>
    </article>
  );
}

/** What is asked, not downloaded. */
const services = new Set(['sensorthings', 'ngsi-ld', 'ogc-features', 'ogcapi']);

const formats: Record<string, string> = { geojson: 'GeoJSON', gpkg: 'GeoPackage', jsonld: 'JSON-LD', sensorthings: 'SensorThings', parquet: 'Parquet', xlsx: 'Excel' };

function Interfaces() {
  const t = text.value;
  const doors = [['sta/v1.1', t.apiSta], ['catalog/datasets', t.apiCatalog], ['live', t.apiLive]] as const;
  return (
    <section class="interfaces" aria-labelledby="interfaces-title">
      <h2 id="interfaces-title">{t.interfaces}</h2>
      <p>{t.interfacesIntro}</p>
      <dl>
        {doors.map(([door, words]) => <div key={door}><dt><a href={path(door)}><code>{path(door)}</code></a></dt><dd>{words}</dd></div>)}
      </dl>
    </section>
  );
}
