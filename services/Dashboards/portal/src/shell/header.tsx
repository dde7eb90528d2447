import type { Address, View } from '../address.ts';
import { hasAccess, keepAccess } from '../data/access-key.ts';
import { clock } from '../reading/age.ts';
import { address, go, link, live, liveUntil, portal } from '../state.ts';
import { language, speak, text } from '../text.ts';
import { follow } from './links.ts';

// Who is signed in works here; the public has the link in the footer.
const views: View[] = ['map', 'list', 'datasets', ...(hasAccess() ? ['devices' as const, 'connect' as const] : [])];

/** The devices begin with their list, and no station is open before it. */
const to = (view: View): Partial<Address> => (view === 'devices' ? { view, thing: null, device: null, page: '' } : { view });

export function Header() {
  const t = text.value;
  const town = portal.value!;
  const other = language.value === 'de' ? 'en' : 'de';
  return (
    <header class="header">
      <a class="town" href={`/${town.municipality}/`} onClick={event => follow(event, () => go({ view: 'map', thing: null, quantity: null, dataset: null, search: '' }))}>
        <img src={`/${town.municipality}/favicon.svg`} alt="" width="32" height="32" />
        <span class="town-name">{town.name}</span>
        <span class="town-line">{t.tagline}</span>
      </a>
      <nav aria-label={t.views}>
        {views.map(view => (
          <a key={view} data-view={view} href={link(to(view))} aria-current={address.value.view === view ? 'page' : undefined}
            onClick={event => follow(event, () => go(to(view)))}>
            {view === 'connect' ? t.connectShort : t[view]}
          </a>
        ))}
      </nav>
      <LiveState />
      {hasAccess() && <SignOut />}
      <a class="language" href={`?lang=${other}`} lang={other} hreflang={other}
        onClick={event => follow(event, () => { speak(other); history.replaceState(null, '', location.pathname + location.hash); })}>
        {t.otherLanguage}
      </a>
    </header>
  );
}

/** In the header, and on a phone, which has no room there, in the footer. */
export function SignOut() {
  const t = text.value;
  return <button type="button" class="sign-out" title={t.signedIn} onClick={() => { keepAccess(null); location.reload(); }}>{t.signOut}</button>;
}

/** Quiet while all is well; says so, without alarm, when new readings do not arrive. */
function LiveState() {
  const t = text.value;
  const state = live.value;
  const words = state === 'live' ? t.live : state === 'connecting' ? t.connecting : t.interrupted(clock(liveUntil.value, language.value));
  return (
    <p class={`live live-${state}`} role="status" title={state === 'interrupted' ? t.interruptedMore : t.liveMore}>
      <span class="dot" aria-hidden="true" />
      {words}
    </p>
  );
}
