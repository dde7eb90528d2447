import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { loadSignals, type Signal } from '../data/device-registry.ts';
import { number } from '../reading/units.ts';
import { now } from '../state.ts';
import { language } from '../text.ts';
import { Card, type CardProps } from './card.tsx';
import { moment, percent, receptionOf } from './plain.ts';
import { words } from './words.ts';

/** How the device was heard last, what its battery has, and what its network told. */
export function TechnicalCard({ device }: CardProps) {
  const w = words.value;
  const speaking = language.value;
  const signals = useSignal<Signal[]>([]);
  useEffect(() => { loadSignals(device.id).then(found => { signals.value = found; }).catch(() => { /* It is a supplement. */ }); }, [device.lastSeen?.at]);
  const seen = device.lastSeen;
  const status = signals.value.find(({ kind }) => kind === 'status');
  const battery = seen?.battery ?? status?.batteryLevel;
  const reception = seen && receptionOf(seen);
  const figure = (value: number | undefined, unit = '', digits = 0): string | null => (value === undefined ? null : number(value, speaking, digits) + unit);
  const rows: [string, string | null][] = [
    [w.lastSeen, seen ? moment(seen.at, now.value, speaking) : null],
    [w.batteryLevel, status?.externalPower ? w.external : battery === undefined ? null : percent(battery, speaking)],
    [w.rssi, seen?.rssi === undefined ? null : `${figure(seen.rssi, '\u202fdBm')!}${reception ? ` (${w.quality[reception]})` : ''}`],
    [w.snr, figure(seen?.snr, '\u202fdB', 1)],
    [w.spreadingFactor, seen?.spreadingFactor === undefined ? null : `SF${seen.spreadingFactor}`],
    [w.gateways, figure(seen?.gateways)],
    [w.counter, figure(seen?.fCnt)],
    [w.lostFrames, figure(seen?.lost)],
  ];
  return (
    <Card name="technical" title={w.technicalTitle}>
      {seen ? <Facts rows={rows} /> : <p class="more">{w.neverHeard}</p>}
      {signals.value.length > 0 && (
        <details>
          <summary>{w.networkSays}</summary>
          <ul class="log">
            {signals.value.map(({ kind, at, level, text, margin }) => (
              <li key={kind}>
                <b>{w.signalKinds[kind] ?? kind}</b> <span class="more">{[moment(at, now.value, speaking), figure(margin, '\u202fdB')].filter(Boolean).join(' · ')}</span>
                {text && <p>{[level, text].filter(Boolean).join(': ')}</p>}
              </li>
            ))}
          </ul>
        </details>
      )}
    </Card>
  );
}

/** Names with what there is under them; what is not known is left out. */
export function Facts({ rows }: { rows: [string, string | null | undefined][] }) {
  return (
    <dl class="facts">
      {rows.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}
