/**
 * The live stream. EventSource gives up for good when a gateway answers 502 while a service restarts, and then forgets
 * where it was; this client keeps asking, with Last-Event-ID, until it is told to stop.
 */

import { accessHeaders } from './access-key.ts';
import { path } from './http.ts';
import type { Value } from './model.ts';
import { EventParser } from './events.ts';

export interface LiveObservation {
  datastream: string;
  thing: string;
  phenomenonTime: string;
  result: Value | null;
  resultQuality?: unknown;
}

export type LiveState = 'connecting' | 'live' | 'interrupted';

export interface LiveListener {
  observed(observation: LiveObservation): void;
  changed(state: LiveState): void;
}

const firstPause = 1_000;
const longestPause = 30_000;
/** A stream that was heard before and says nothing for so long is taken for dead. */
const longestSilence = 90_000;

/** Follows the stream until `signal` ends it. */
export async function follow(listener: LiveListener, signal: AbortSignal): Promise<void> {
  let lastId: string | null = null;
  let pause = firstPause;
  listener.changed('connecting');
  while (!signal.aborted) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener('abort', stop);
    let silence = setTimeout(stop, longestSilence);
    try {
      const response: Response = await fetch(path('live'), {
        headers: { Accept: 'text/event-stream', ...accessHeaders(), ...(lastId !== null && { 'Last-Event-ID': lastId }) },
        cache: 'no-store',
        signal: attempt.signal,
      });
      if (response.ok && response.body) {
        listener.changed('live');
        const parser = new EventParser();
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          pause = firstPause;
          clearTimeout(silence);
          silence = setTimeout(stop, longestSilence);
          for (const event of parser.push(part.value)) {
            lastId = event.id ?? lastId;
            if (event.type === 'observation') deliver(event.data, listener);
          }
        }
      }
    } catch {
      // Whatever broke the stream, the answer is the same: say so, wait, ask again.
    } finally {
      clearTimeout(silence);
      signal.removeEventListener('abort', stop);
      attempt.abort();
    }
    if (signal.aborted) return;
    listener.changed('interrupted');
    await rest(pause * (0.75 + Math.random() / 2), signal);
    pause = Math.min(pause * 2, longestPause);
  }
}

function deliver(data: string, listener: LiveListener): void {
  let observation: LiveObservation;
  try {
    observation = JSON.parse(data) as LiveObservation;
  } catch {
    return; // One unreadable event must not end the stream for all others.
  }
  listener.observed(observation);
}

/** Waits, but no longer than until the network or the visitor comes back. */
function rest(time: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      document.removeEventListener('visibilitychange', shown);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const shown = () => { if (!document.hidden) done(); };
    const timer = setTimeout(done, time);
    addEventListener('online', done);
    document.addEventListener('visibilitychange', shown);
    signal.addEventListener('abort', done);
  });
}
