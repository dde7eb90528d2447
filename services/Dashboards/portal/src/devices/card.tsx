import type { ComponentChildren } from 'preact';
import type { Device } from '../data/device-registry.ts';

/** What each part of the page gets. */
export interface CardProps {
  device: Device;
  /** Reads the device again: something was changed. */
  changed(): Promise<void>;
}

interface CardFrame { name: string; title: string; action?: ComponentChildren; children: ComponentChildren }

/** A part of the page. */
export function Card({ name, title, action, children }: CardFrame) {
  return (
    <section class={`part part-${name}`} aria-labelledby={`${name}-title`}>
      <div class="part-head"><h2 id={`${name}-title`}>{title}</h2>{action}</div>
      {children}
    </section>
  );
}
