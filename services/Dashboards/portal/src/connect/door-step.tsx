import { useSignal } from '@preact/signals';
import { makeUplinkKey } from '../data/devices.ts';
import { path } from '../data/http.ts';
import { date } from '../reading/age.ts';
import { language } from '../text.ts';
import { Copyable } from '../forms/copyable.tsx';
import { doorIsOpen, network } from './guide.ts';
import { words } from './words.ts';

/** Address and key of the webhook, and where they go in the network's own pages. */
export function DoorStep() {
  const w = words.value;
  const chosen = network.value!;
  const key = useSignal<string | null>(null);
  const state = useSignal<'' | 'busy' | 'failed'>('');
  const address = location.origin + path(`uplinks/${chosen}`);

  async function make(): Promise<void> {
    state.value = 'busy';
    try {
      key.value = await makeUplinkKey(w.keyName(w.networks[chosen].name, date(Date.now(), language.value)));
      state.value = '';
    } catch {
      state.value = 'failed';
    }
  }

  return (
    <>
      <p>{w.doorHint}</p>
      <ol class="ways">{w.ways[chosen]!.map(way => <li key={way}>{way}</li>)}</ol>
      <dl class="copyables">
        <Copyable name={w.address} value={address} />
        <Copyable name={w.header} value="X-Api-Key" />
        {key.value
          ? <Copyable name={w.key} value={key.value} />
          : <div><dt>{w.key}</dt><dd><button type="button" disabled={state.value === 'busy'} onClick={() => void make()}>{state.value === 'busy' ? w.makingKey : w.makeKey}</button></dd></div>}
      </dl>
      {key.value && <p class="more" role="status">{w.keyOnce}</p>}
      {state.value === 'failed' && <p class="fault" role="alert">{w.failed}</p>}
      {chosen === 'json' && (
        <figure class="example">
          <figcaption>{w.example}</figcaption>
          <pre><code>{`POST ${address}\nX-Api-Key: ${key.value ?? '…'}\nContent-Type: application/json\n\n{"device":"pegel-1","fPort":1,"bytes":"01ff"}`}</code></pre>
        </figure>
      )}
      <p class="step-actions">
        <button type="button" class="primary" onClick={() => { doorIsOpen.value = true; }}>{w.next}</button>
        {!key.value && <button type="button" onClick={() => { doorIsOpen.value = true; }}>{w.alreadyDone}</button>}
      </p>
    </>
  );
}
