import { portal } from '../state.ts';
import { text } from '../text.ts';

export function Footer() {
  const t = text.value;
  const { imprint, privacy, accessibility } = portal.value!.links;
  const links = [[imprint, t.imprint], [privacy, t.privacy], [accessibility, t.accessibility]] as const;
  return (
    <footer class="footer">
      <span>{portal.value!.name}</span>
      {links.map(([href, words]) => href && <a key={words} href={href}>{words}</a>)}
    </footer>
  );
}
