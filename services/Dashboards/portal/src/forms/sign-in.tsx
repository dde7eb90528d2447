import { useSignal } from '@preact/signals';
import { keepAccess } from '../data/access-key.ts';
import { Unavailable } from '../data/http.ts';
import { words } from './words.ts';

interface Props {
  /** Who may come in here, and where they get a key. */
  intro: string;
  /** What to say to a key that may not. */
  mayNot: string;
  /** Asks for something that only who may come in here may see. */
  check(): Promise<unknown>;
}

/** Takes the access key, and keeps it if it opens this page. */
export function SignIn({ intro, mayNot, check }: Props) {
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
      await check();
      location.reload();
    } catch (refusal) {
      keepAccess(null);
      // An unknown key is tried once more without one, and then it is the public that may not ask.
      const status = refusal instanceof Unavailable ? refusal.status : 0;
      fault.value = status === 401 ? w.wrongKey : status === 403 ? mayNot : w.failed;
      busy.value = false;
    }
  }

  return (
    <form class="sign-in" onSubmit={event => void signIn(event)}>
      <p>{intro}</p>
      <label for="access-key">{w.accessKey}</label>
      <input id="access-key" type="password" autocomplete="off" spellcheck={false} required placeholder={w.accessKeyHint} value={key.value}
        aria-describedby="access-key-more" aria-invalid={fault.value !== null} onInput={event => { key.value = event.currentTarget.value; }} />
      <p id="access-key-more" class="more">{w.signedInUntil}</p>
      {fault.value && <p class="fault" role="alert">{fault.value}</p>}
      <button class="primary" disabled={busy.value}>{w.signIn}</button>
    </form>
  );
}
