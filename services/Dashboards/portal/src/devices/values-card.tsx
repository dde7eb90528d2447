import { useEffect } from 'preact/hooks';
import { valueInWords } from '../reading/display.ts';
import { ageInWords } from '../reading/age.ts';
import { isTechnical, valueName } from '../reading/words.ts';
import { follow } from '../shell/links.ts';
import { go, latestOf, link, now, reloadThing, revision, town } from '../state.ts';
import { language } from '../text.ts';
import { Card, type CardProps } from './card.tsx';
import { words } from './words.ts';

/** What the device measures, each value with the way to its chart. */
export function ValuesCard({ device }: CardProps) {
  const w = words.value;
  void revision.value;
  useEffect(() => { void reloadThing(device.id); }, [device.id, device.profile]);
  const streams = [...(town.value.things.get(device.id)?.datastreams ?? [])].sort((a, b) => Number(isTechnical(a.quantity)) - Number(isTechnical(b.quantity)));
  const measured = streams.filter(stream => latestOf(stream));
  const chart = (stream: string | null) => ({ view: 'map', thing: device.id, stream, dataset: null, quantity: null, search: '', device: null } as const);
  return (
    <Card name="values" title={w.valuesTitle}>
      {streams.length === 0 ? <p class="more">{w.noSeries}</p> : measured.length === 0 && <p class="more">{w.noValues}</p>}
      <ul class="values-list">
        {measured.map(stream => (
          <li key={stream.id}>
            <a href={link(chart(stream.id))} onClick={event => follow(event, () => go(chart(stream.id)))}>{valueName(stream, language.value)}</a>
            <b>{valueInWords(stream.latest!.value, stream, language.value)}</b>
            <span class="more">{ageInWords(stream.latest!.time, now.value, language.value)}</span>
          </li>
        ))}
      </ul>
      {streams.length > 0 && <p><a href={link(chart(null))} onClick={event => follow(event, () => go(chart(null)))}>{w.toCharts}</a></p>}
    </Card>
  );
}
