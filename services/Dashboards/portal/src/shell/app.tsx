import { Panel } from '../panel/panel.tsx';
import { address, go, here, portal, selected } from '../state.ts';
import { language, text } from '../text.ts';
import { lazily } from './lazily.tsx';
import { DatasetsView } from '../views/datasets-view.tsx';
import { Explore } from '../views/explore.tsx';
import { ListView } from '../views/list-view.tsx';
import { MapView } from '../views/map-view.tsx';
import { Footer } from './footer.tsx';
import { Header } from './header.tsx';
import { useEffect } from 'preact/hooks';

/** For the few who connect devices and look after them: nobody else waits for it. */
const ConnectView = lazily(async () => (await import('../connect/connect-view.tsx')).ConnectView);

const DevicesView = lazily(async () => (await import('../devices/devices-view.tsx')).DevicesView);

export function App() {
  const t = text.value;
  const { view, thing } = address.value;
  const town = portal.value!;
  const subject = thing ? selected.value?.name : view === 'map' ? null : t[view];

  useEffect(() => {
    document.title = [subject, town.name, t.tagline].filter(Boolean).join(' · ');
  }, [subject, language.value]);

  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && (address.value.thing || here.value)) { here.value = null; go({ thing: null }); }
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, []);

  return (
    <div class={`page page-${view}`}>
      <a class="skip" href="#content" onClick={event => { event.preventDefault(); document.getElementById('content')?.focus(); }}>{t.skip}</a>
      <Header />
      <main id="content" tabIndex={-1}>
        {view === 'datasets' ? <DatasetsView />
          : view === 'devices' ? <DevicesView />
          : view === 'connect' ? <ConnectView />
          : (
            <>
              <h1 class="unseen">{`${town.name}: ${t[view]}`}</h1>
              <Explore />
              {view === 'map' ? <MapView /> : <ListView />}
            </>
          )}
        <Panel />
      </main>
      <Footer />
    </div>
  );
}
