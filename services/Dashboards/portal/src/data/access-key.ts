/**
 * What somebody who works here shows with every request, so that it opens what is not public: an access key, or an access token of the municipality's identity
 * provider. It lives as long as this tab, for this municipality alone, and is forgotten as soon as the platform does not know it any more, so that the page goes on
 * as everybody sees it.
 */

const place = `access-key.${document.body.dataset['municipality'] ?? ''}`;

function read(): string | null {
  try {
    return sessionStorage.getItem(place);
  } catch {
    return null; // A browser that keeps nothing shows the public's page.
  }
}

let key = read();

export const hasAccess = (): boolean => key !== null;

/** A token has three parts (RFC 7519); a key has one. */
const isToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);

/** What to send along, with or without a key. */
export const accessHeaders = (): Record<string, string> =>
  key === null ? {} : isToken(key) ? { Authorization: `Bearer ${key}` } : { 'X-Api-Key': key };

/** Keeps the key, or forgets it. The page is to be loaded anew: what it shows depends on it. */
export function keepAccess(given: string | null): void {
  key = given;
  if (given === null) sessionStorage.removeItem(place);
  else sessionStorage.setItem(place, given);
}
