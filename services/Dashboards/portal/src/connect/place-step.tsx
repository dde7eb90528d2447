import { useSignal } from '@preact/signals';
import { adopt, isDevEui } from '../data/devices.ts';
import { Refused } from '../data/http.ts';
import { pointOf, PlacePicker } from '../forms/place-picker.tsx';
import { connected, kind, sender } from './guide.ts';
import { words } from './words.ts';

/** What it is called and where it is; then it is registered, and what it has sent becomes readings. */
export function PlaceStep() {
  const w = words.value;
  const device = sender.value!;
  const name = useSignal(isDevEui(device.name) ? '' : device.name);
  const department = useSignal('');
  const latitude = useSignal('');
  const longitude = useSignal('');
  const state = useSignal<{ busy: boolean; fault: string | null }>({ busy: false, fault: null });

  async function connect(event: Event): Promise<void> {
    event.preventDefault();
    const place = pointOf(latitude.value, longitude.value);
    if (place === 'faulty') { state.value = { busy: false, fault: w.badPlace }; return; }
    state.value = { busy: true, fault: null };
    try {
      connected.value = await adopt(device, {
        name: name.value.trim(),
        profile: kind.value!.id,
        ...(place && { location: place }),
        ...(department.value.trim() !== '' && { department: department.value.trim() }),
      });
    } catch (fault) {
      state.value = { busy: false, fault: whyOf(fault) };
    }
  }

  return (
    <form class="place-form" onSubmit={event => void connect(event)}>
      <label for="device-name">{w.name}</label>
      <input id="device-name" required maxLength={200} value={name.value} aria-describedby="device-name-more" onInput={event => { name.value = event.currentTarget.value; }} />
      <p id="device-name-more" class="more">{w.nameHint}</p>
      <PlacePicker latitude={latitude} longitude={longitude} />
      <label for="device-department">{w.department}</label>
      <input id="device-department" maxLength={100} value={department.value} onInput={event => { department.value = event.currentTarget.value; }} />
      {state.value.fault && <p class="fault" role="alert">{state.value.fault}</p>}
      <p class="step-actions"><button class="primary" disabled={state.value.busy}>{state.value.busy ? w.connecting : w.connect}</button></p>
    </form>
  );
}

function whyOf(fault: unknown): string {
  const w = words.value;
  if (!(fault instanceof Refused)) return w.failed;
  if (fault.kind === 'dev_eui_taken' || fault.kind === 'device_exists') return w.nameTaken;
  return fault.kind === 'not_in_inbox' ? w.gone : w.refused(fault.detail);
}
