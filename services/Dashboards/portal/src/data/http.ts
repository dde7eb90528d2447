/** Asking the installation: JSON over its own origin, with plain faults and one place that knows the paths. */

import { accessHeaders, hasAccess, keepAccess } from './access-key.ts';

export const municipality = document.body.dataset['municipality'] ?? '';

/** A path below the municipality. */
export const path = (below: string): string => `/${municipality}/${below}`;

/** The platform did not answer, or not with success. `status` is 0 where nothing came at all. */
export class Unavailable extends Error {
  constructor(readonly status: number, address: string) {
    super(`${address} answered ${status || 'nothing'}`);
  }
}

export async function getJson<T>(address: string, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address, { headers: { Accept: 'application/json', ...accessHeaders() }, credentials: 'same-origin', ...(signal && { signal }) });
  } catch (fault) {
    if (signal?.aborted) throw fault;
    throw new Unavailable(0, address);
  }
  if (response.status === 401 && hasAccess()) {
    keepAccess(null);
    return getJson<T>(address, signal);
  }
  if (!response.ok) throw new Unavailable(response.status, address);
  return (await response.json()) as T;
}

/** The platform understood and refused; `kind` is the stable name of the error, `detail` says more, in English (RFC 9457). */
export class Refused extends Error {
  constructor(readonly status: number, readonly kind: string, readonly detail: string) {
    super(detail);
  }
}

interface ProblemBody { type?: string; title?: string; detail?: string; field?: string; errors?: Record<string, string[]> }

/** Sends JSON and reads the answer; null where there is none. */
export async function sendJson<T>(method: 'POST' | 'PUT' | 'DELETE', address: string, body?: unknown): Promise<T | null> {
  let response: Response;
  try {
    response = await fetch(address, {
      method,
      headers: { Accept: 'application/json', ...(body !== undefined && { 'Content-Type': 'application/json' }), ...accessHeaders() },
      credentials: 'same-origin',
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Unavailable(0, address);
  }
  if (response.ok) return response.status === 204 ? null : ((await response.json()) as T);
  if (response.status >= 500) throw new Unavailable(response.status, address);
  const problem = await response.json().catch(() => ({})) as ProblemBody;
  const said = Object.entries(problem.errors ?? {}).map(([field, faults]) => `${field} ${faults.join(', ')}`);
  throw new Refused(response.status, problem.type?.split(':').at(-1) ?? '', problem.detail ?? (said.join('; ') || (problem.title ?? '')));
}

/**
 * A link of the platform's own, on the origin that this page came from. The platform writes links with its public
 * address; a page reached by another name (a test, a tunnel) must not ask a foreign origin for its own town's data.
 */
export function ownLink(href: string): string {
  const url = new URL(href, location.href);
  return url.pathname + url.search;
}
