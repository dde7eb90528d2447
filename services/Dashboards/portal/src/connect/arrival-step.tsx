import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ignoreUnknown, loadUnknown, type UnknownDevice, type UnknownUplink } from '../data/devices.ts';
import { clock } from '../reading/age.ts';
import { language } from '../text.ts';
import { sender } from './guide.ts';
import { words } from './words.ts';

const every = 2_000;
/** After this long without anything the page says what may be wrong. */
const long = 45_000;

/** Shows who sends and is not connected, as it comes. */
export function ArrivalStep() {
  const w = words.value;
  const found = useSignal<UnknownDevice[] | null>(null);
  const reachable = useSignal(true);
  const late = useSignal(false);
  const since = useSignal(Date.now());

  useEffect(() => {
    const leaving = new AbortController();
    let timer = 0;
    const ask = async (): Promise<void> => {
      try {
        if (!document.hidden) found.value = await loadUnknown(leaving.signal);
        reachable.value = true;
      } catch {
        reachable.value = leaving.signal.aborted;
      }
      late.value = Date.now() - since.value > long;
      if (!leaving.signal.aborted) timer = window.setTimeout(() => void ask(), every);
    };
    void ask();
    return () => { leaving.abort(); clearTimeout(timer); };
  }, []);

  async function ignore(device: UnknownDevice): Promise<void> {
    try {
      await ignoreUnknown(device.name);
      found.value = found.value?.filter(other => other.name !== device.name) ?? null;
    } catch {
      reachable.value = false;
    }
  }

  const nothing = found.value?.length === 0;
  return (
    <>
      <p>{w.arrivalHint}</p>
      <p class="waiting" role="status">{reachable.value ? w.waiting : w.unreachable}</p>
      {nothing && late.value && <p class="more">{w.waitingLong}</p>}
      <ul class="arrivals" aria-live="polite">
        {found.value?.map(device => (
          <li key={device.name} class="arrival" data-new={Date.parse(device.lastSeen) > since.value || undefined}>
            <div>
              <h3>{device.deviceId ?? device.name}</h3>
              {device.deviceId && device.deviceId !== device.name && <p class="more"><code>{device.name}</code></p>}
              <p class="more">{[
                Date.parse(device.lastSeen) > since.value ? w.justNow : w.lastAt(clock(Date.parse(device.lastSeen), language.value)),
                w.messages(device.count), ...wordsOf(device.uplinks.at(-1)),
              ].join(' · ')}</p>
            </div>
            <p class="step-actions">
              <button type="button" class="primary" aria-label={w.thisOneOf(device.deviceId ?? device.name)} onClick={() => { sender.value = device; }}>{w.thisOne}</button>
              <button type="button" aria-label={w.notOursOf(device.deviceId ?? device.name)} onClick={() => void ignore(device)}>{w.notOurs}</button>
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

/** How it was received, and what came, as far as people can make something of it. */
function wordsOf(uplink: UnknownUplink | undefined): string[] {
  const w = words.value;
  if (!uplink) return [];
  const rssi = uplink.radio?.rssi;
  return [
    ...(uplink.bytes ? [w.port(uplink.fPort)] : uplink.data ? [w.decoded] : []),
    ...(rssi === undefined ? [] : [rssi > -100 ? w.signal.good : rssi > -115 ? w.signal.fair : w.signal.weak]),
  ];
}
