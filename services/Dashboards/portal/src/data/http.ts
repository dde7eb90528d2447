/** Asking the installation: JSON over its own origin, with plain faults and one place that knows the paths. */

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
    response = await fetch(address, { headers: { Accept: 'application/json' }, credentials: 'same-origin', ...(signal && { signal }) });
  } catch (fault) {
    if (signal?.aborted) throw fault;
    throw new Unavailable(0, address);
  }
  if (!response.ok) throw new Unavailable(response.status, address);
  return (await response.json()) as T;
}

/**
 * A link of the platform's own, on the origin that this page came from. The platform writes links with its public
 * address; a page reached by another name (a test, a tunnel) must not ask a foreign origin for its own town's data.
 */
export function ownLink(href: string): string {
  const url = new URL(href, location.href);
  return url.pathname + url.search;
}
