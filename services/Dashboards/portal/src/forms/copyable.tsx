import { useSignal } from '@preact/signals';
import { words } from './words.ts';

/** A value to be carried elsewhere: readable, selectable, copied by one click. */
export function Copyable({ name, value }: { name: string; value: string }) {
  const w = words.value;
  const copied = useSignal(false);

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(value);
      copied.value = true;
      setTimeout(() => { copied.value = false; }, 3_000);
    } catch {
      // No clipboard for this page (plain HTTP, no permission): the value can be selected by hand.
    }
  }

  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code class="copyable">{value}</code>
        <button type="button" aria-label={w.copyOf(name)} onClick={() => void copy()}>{copied.value ? w.copied : w.copy}</button>
        <span class="unseen" role="status">{copied.value ? w.copied : ''}</span>
      </dd>
    </div>
  );
}
