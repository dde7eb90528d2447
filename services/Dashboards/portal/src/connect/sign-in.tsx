import { useSignal } from '@preact/signals';
import { keepAccess } from '../data/access-key.ts';
import { loadUnknown } from '../data/devices.ts';
import { Unavailable } from '../data/http.ts';
import { words } from './words.ts';

/** Takes the access key, and keeps it if it may connect devices. */
export function SignIn() {
  const w = words.value;
  const key = useSignal('');
  const fault = useSignal<string | null>(null);
  const busy = useSignal(false);

  async function signIn(event: Event): Promise<void> {
    event.preventDefault();
    busy.value = true;
    fault.value = null;
    keepAccess(key.value.trim());
    try {
      await loadUnknown();
      location.reload();
    } catch (refusal) {
      keepAccess(null);
      // An unknown key is tried once more without one, and then it is the public that may not ask.
      const status = refusal instanceof Unavailable ? refusal.status : 0;
      fault.value = status === 401 ? w.wrongKey : status === 403 ? w.keyMayNot : w.failed;
      busy.value = false;
    }
  }

  return (
    <form class="sign-in" onSubmit={event => void signIn(event)}>
      <p>{w.signInIntro}</p>
      <label for="access-key">{w.accessKey}</label>
      <input id="access-key" type="password" autocomplete="off" spellcheck={false} required placeholder={w.accessKeyHint} value={key.value}
        aria-describedby="access-key-more" aria-invalid={fault.value !== null} onInput={event => { key.value = event.currentTarget.value; }} />
      <p id="access-key-more" class="more">{w.signedInUntil}</p>
      {fault.value && <p class="fault" role="alert">{fault.value}</p>}
      <button class="primary" disabled={busy.value}>{w.signIn}</button>
    </form>
  );
}
