import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { text } from '../text.ts';

/** A part of the page that comes when it is first shown. */
export function lazily(load: () => Promise<ComponentType>): ComponentType {
  const part = signal<ComponentType | 'failed' | null>(null);
  let asked = false;

  function ask(): void {
    asked = true;
    load().then(loaded => { part.value = loaded; }).catch((fault: unknown) => {
      console.warn('A part of the page cannot be loaded.', fault);
      part.value = 'failed';
      asked = false;
    });
  }

  return function Lazily() {
    const t = text.value;
    if (!asked && part.value !== 'failed') ask();
    if (part.value === 'failed') return <p class="notice" role="alert">{t.failed} <button type="button" onClick={() => { part.value = null; ask(); }}>{t.retry}</button></p>;
    const Part = part.value;
    return Part === null ? <p class="boot" role="status">{t.loadingPage}</p> : <Part />;
  };
}
