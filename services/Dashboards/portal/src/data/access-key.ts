/**
 * The access key of somebody who works here. It opens what is not public and is shown with every request; it lives as long as this tab, and is
 * forgotten as soon as the platform does not know it any more, so that the page goes on as everybody sees it.
 */

const place = 'access-key';

function read(): string | null {
  try {
    return sessionStorage.getItem(place);
  } catch {
    return null; // A browser that keeps nothing shows the public's page.
  }
}

let key = read();

export const hasAccess = (): boolean => key !== null;

/** What to send along, with or without a key. */
export const accessHeaders = (): Record<string, string> => (key === null ? {} : { 'X-Api-Key': key });

/** Keeps the key, or forgets it. The page is to be loaded anew: what it shows depends on it. */
export function keepAccess(given: string | null): void {
  key = given;
  if (given === null) sessionStorage.removeItem(place);
  else sessionStorage.setItem(place, given);
}
