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

/** What a problem says (RFC 9457); `errors` by field, `rows` of a table. */
export interface Problem { type?: string; title?: string; detail?: string; field?: string; errors?: Record<string, string[]>; rows?: unknown[] }

/** The platform understood and refused; `kind` is the stable name of the error, `detail` says more, in English. */
export class Refused extends Error {
  readonly kind: string;
  readonly detail: string;

  constructor(readonly status: number, readonly problem: Problem) {
    const said = Object.entries(problem.errors ?? {}).map(([field, faults]) => `${field} ${faults.join(', ')}`);
    const detail = problem.detail ?? (said.join('; ') || (problem.title ?? ''));
    super(detail);
    this.detail = detail;
    this.kind = problem.type?.split(':').at(-1) ?? '';
  }
}

type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Sends something and reads the JSON of the answer; null where there is none. */
export async function send<T>(method: Method, address: string, body?: { type: string; content: BodyInit }): Promise<T | null> {
  let response: Response;
  try {
    response = await fetch(address, {
      method,
      headers: { Accept: 'application/json', ...(body && { 'Content-Type': body.type }), ...accessHeaders() },
      credentials: 'same-origin',
      ...(body && { body: body.content }),
    });
  } catch {
    throw new Unavailable(0, address);
  }
  if (response.ok) return response.status === 204 ? null : ((await response.json()) as T);
  if (response.status >= 500) throw new Unavailable(response.status, address);
  throw new Refused(response.status, await response.json().catch(() => ({})) as Problem);
}

/** Sends JSON and reads the answer; null where there is none. */
export const sendJson = <T>(method: Method, address: string, body?: unknown): Promise<T | null> =>
  send<T>(method, address, body === undefined ? undefined : { type: 'application/json', content: JSON.stringify(body) });

/** A file, which a plain link cannot fetch: it would show no key. */
export async function getBlob(address: string, signal?: AbortSignal): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(address, { headers: accessHeaders(), credentials: 'same-origin', ...(signal && { signal }) });
  } catch (fault) {
    if (signal?.aborted) throw fault;
    throw new Unavailable(0, address);
  }
  if (!response.ok) throw new Unavailable(response.status, address);
  return response.blob();
}

/**
 * A link of the platform's own, on the origin that this page came from. The platform writes links with its public
 * address; a page reached by another name (a test, a tunnel) must not ask a foreign origin for its own town's data.
 */
export function ownLink(href: string): string {
  const url = new URL(href, location.href);
  return url.pathname + url.search;
}
