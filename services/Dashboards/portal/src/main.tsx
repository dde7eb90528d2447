import { render } from 'preact';
import { getJson, path } from './data/http.ts';
import { App } from './shell/app.tsx';
import { open, portal, type Portal } from './state.ts';
import { language } from './text.ts';
import './styles/base.css';
import './styles/header.css';
import './styles/explore.css';
import './styles/map.css';
import './styles/panel.css';
import './styles/list.css';
import './styles/datasets.css';
import './styles/print.css';

const root = document.getElementById('portal')!;
const leaving = new AbortController();

try {
  portal.value = await getJson<Portal>(path('portal.json'));
  root.replaceChildren();
  render(<App />, root);
  // A page that sleeps in the back/forward cache must not hold a connection.
  addEventListener('pagehide', event => { if (!event.persisted) leaving.abort(); });
  await open(leaving.signal);
} catch (fault) {
  if (portal.value) throw fault;
  const notice = document.createElement('p');
  notice.role = 'alert';
  notice.textContent = language.value === 'de'
    ? 'Das Portal lässt sich gerade nicht laden. Bitte versuchen Sie es in einigen Minuten noch einmal.'
    : 'The portal cannot be loaded right now. Please try again in a few minutes.';
  root.querySelector('.boot p')?.replaceWith(notice);
}
