import { hasAccess } from '../data/access-key.ts';
import { go, link, portal } from '../state.ts';
import { text } from '../text.ts';
import { SignOut } from './header.tsx';
import { follow } from './links.ts';

export function Footer() {
  const t = text.value;
  const { imprint, privacy, accessibility } = portal.value!.links;
  const links = [[imprint, t.imprint], [privacy, t.privacy], [accessibility, t.accessibility]] as const;
  return (
    <footer class="footer">
      <span>{portal.value!.name}</span>
      {links.map(([href, words]) => href && <a key={words} href={href}>{words}</a>)}
      {hasAccess() && <SignOut />}
      {!hasAccess() && <a href={link({ view: 'devices' })} onClick={event => follow(event, () => go({ view: 'devices', thing: null }))}>{t.devicesLong}</a>}
      {!hasAccess() && <a href={link({ view: 'connect' })} onClick={event => follow(event, () => go({ view: 'connect', thing: null }))}>{t.connect}</a>}
    </footer>
  );
}
