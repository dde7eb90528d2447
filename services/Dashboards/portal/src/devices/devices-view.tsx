import { useEffect } from 'preact/hooks';
import type { DevicesPage } from '../address.ts';
import { hasAccess, keepAccess } from '../data/access-key.ts';
import { loadCounts } from '../data/device-registry.ts';
import { SignIn } from '../forms/sign-in.tsx';
import { follow } from '../shell/links.ts';
import { address, go, link } from '../state.ts';
import { DevicePage } from './device-page.tsx';
import { ImportPage } from './import-page.tsx';
import { InboxPage } from './inbox-page.tsx';
import { ListPage } from './list-page.tsx';
import { counts, loadRights, needProfiles, notice, readsOnly, trouble } from './registry.ts';
import { words } from './words.ts';
import '../styles/forms.css';
import '../styles/devices.css';
import '../styles/device-page.css';

/** The devices of the municipality, for those who look after them. */
export function DevicesView() {
  const w = words.value;
  const { page, device } = address.value;
  const isOut = !hasAccess() || trouble.value === 'signed-out';

  useEffect(() => { if (!isOut) void needProfiles(); }, [isOut]);
  // The list brings what may be done along.
  useEffect(() => { if (!isOut && (page !== '' || device !== null) && counts.value === null) void loadRights(); }, [isOut, page, device]);
  // The list finds its own place again.
  useEffect(() => { if (page !== '' || device !== null) scrollTo({ top: 0 }); }, [page, device]);

  if (isOut)
    return (
      <section class="devices form-page devices-door" aria-labelledby="devices-title">
        <h1 id="devices-title">{w.title}</h1>
        {trouble.value === 'signed-out' && <p class="fault" role="alert">{w.signInAgain}</p>}
        <SignIn intro={w.signInIntro} mayNot={w.keyMayNot} check={() => loadCounts('')} />
      </section>
    );
  return (
    <section class="devices form-page" aria-labelledby="devices-title">
      {device === null && <Head />}
      {readsOnly.value && <p class="read-only" role="note">{w.readOnly}</p>}
      {trouble.value === 'forbidden' ? <Forbidden />
        : device !== null ? <DevicePage key={device} id={device} />
        : page === '' ? <ListPage />
        : counts.value === null ? <p class="notice" role="status">{w.loading}</p>
        : !readsOnly.value && (page === 'inbox' ? <InboxPage /> : <ImportPage />)}
    </section>
  );
}

function Head() {
  const w = words.value;
  const { page } = address.value;
  const unknown = counts.value?.unknown ?? 0;
  if (trouble.value === 'forbidden') return <h1 id="devices-title">{w.title}</h1>;
  const to = (to: DevicesPage, title: string, more?: { count: number; label: string }) => (
    <a href={link({ page: to, device: null })} aria-current={page === to ? 'page' : undefined} aria-label={more?.label}
      onClick={event => follow(event, () => { notice.value = null; go({ page: to, device: null }); })}>
      {title}{more && <span class="count-badge" aria-hidden="true">{more.count}</span>}
    </a>
  );
  return (
    <header class="devices-head">
      <h1 id="devices-title">{w.title}</h1>
      <nav aria-label={w.pages}>
        {to('', w.list)}
        {!readsOnly.value && to('inbox', w.inbox, unknown > 0 ? { count: unknown, label: w.inboxCount(unknown) } : undefined)}
        {!readsOnly.value && to('import', w.importPage)}
      </nav>
      {!readsOnly.value && (
        <a class="primary button" href={link({ view: 'connect' })} onClick={event => follow(event, () => go({ view: 'connect', thing: null }))}>{w.connect}</a>
      )}
    </header>
  );
}

/** A key that opens something, but not this. */
function Forbidden() {
  const w = words.value;
  return (
    <div class="notice" role="alert">
      <p>{w.mayNot}</p>
      <p class="more">{w.mayNotMore}</p>
      <button type="button" onClick={() => { keepAccess(null); location.reload(); }}>{w.otherKey}</button>
    </div>
  );
}
