import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { faultsOf, type Faults } from './faults.ts';

export interface Task {
  busy: boolean;
  faults: Faults | null;
  /** Does it; false where it was refused or did not work, and then `faults` says why. */
  run(act: () => Promise<unknown>): Promise<boolean>;
  fail(faults: Faults): void;
}

/** Something that is sent, with what there was against it; `fields` are those that the form shows. */
export function useTask(fields: readonly string[] = []): Task {
  const state = useSignal<{ busy: boolean; faults: Faults | null }>({ busy: false, faults: null });
  return {
    ...state.value,
    fail: faults => { state.value = { busy: false, faults }; },
    async run(act) {
      state.value = { busy: true, faults: null };
      try {
        await act();
        state.value = { busy: false, faults: null };
        return true;
      } catch (fault) {
        state.value = { busy: false, faults: faultsOf(fault, fields) };
        return false;
      }
    },
  };
}

export const Whole = ({ faults }: { faults: Faults | null }) => (faults ? <p class="fault" role="alert">{faults.whole}</p> : null);

interface FieldProps {
  id: string;
  name: string;
  hint?: string;
  fault: string | undefined;
  children(aria: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }): ComponentChildren;
}

/** A field with its name, what helps to fill it in, and what is wrong with it. */
export function Field({ id, name, hint, fault, children }: FieldProps) {
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ');
  return (
    <div class="field" data-faulty={fault !== undefined || undefined}>
      <label for={id}>{name}</label>
      {children({ id, ...(described !== '' && { 'aria-describedby': described }), ...(fault !== undefined && { 'aria-invalid': true as const }) })}
      {hint && <p id={`${id}-hint`} class="more">{hint}</p>}
      {fault && <p id={`${id}-fault`} class="fault">{fault}</p>}
    </div>
  );
}
