/** Where somebody stands in the guide. Components read signals; only the functions here write them. */

import { computed, signal } from '@preact/signals';
import type { Registration, UnknownDevice } from '../data/devices.ts';

export type Network = 'tts' | 'chirpstack' | 'actility' | 'mioty' | 'json';
export const networks: Network[] = ['tts', 'chirpstack', 'actility', 'mioty', 'json'];

export const steps = ['network', 'door', 'arrival', 'kind', 'place'] as const;
export type Step = (typeof steps)[number];

export interface Kind {
  id: string;
  name: string;
}

export const network = signal<Network | null>(null);
/** The network sends here: it has been told how, or did before. */
export const doorIsOpen = signal(false);
export const sender = signal<UnknownDevice | null>(null);
export const kind = signal<Kind | null>(null);
export const connected = signal<Registration | null>(null);

/** The step to do next. */
export const step = computed<Step>(() => {
  if (network.value === null) return 'network';
  if (!doorIsOpen.value) return 'door';
  if (sender.value === null) return 'arrival';
  return kind.value === null ? 'kind' : 'place';
});

/** Goes back to a step; what follows from it is forgotten. */
export function goBackTo(step: Step): void {
  const at = steps.indexOf(step);
  if (at <= 0) network.value = null;
  if (at <= 1) doorIsOpen.value = false;
  if (at <= 2) sender.value = null;
  kind.value = null;
}

/** The next device: it comes from the same network, most often. */
export function startAgain(): void {
  connected.value = null;
  goBackTo('arrival');
}
