import type { Town } from '../data/model.ts';
import type { Colouring } from '../map/points.ts';
import { noColour, yesColour } from '../reading/palettes.ts';
import { number, unitSign } from '../reading/units.ts';
import { countedState, quantityName, truthOf } from '../reading/words.ts';
import { address, datasetTitle, go } from '../state.ts';
import { language, text } from '../text.ts';

/** A longer list of datasets would hide the town; it opens at a click. */
const mostRows = 8;

/** What the colours on the map mean. */
export function Legend({ colouring, town }: { colouring: Colouring; town: Town }) {
  const t = text.value;
  const quantity = colouring.by === 'dataset' ? null : town.quantities.get(colouring.quantity);
  const unit = colouring.by === 'numbers' ? unitSign(colouring.unit) : '';
  const title = quantity ? quantityName(quantity, language.value) : t.datasets;
  return (
    <section class="legend" aria-label={t.legend}>
      <details key={colouring.by} open={matchMedia('(width >= 760px)').matches && !(colouring.by === 'dataset' && colouring.colours.size > mostRows)}>
        <summary>{title}{unit && <span class="unit">{` ${t.inUnit} ${unit}`}</span>}</summary>
        <ul>{rows(colouring)}</ul>
        <p class="legend-note"><span class="mark faded" aria-hidden="true" />{t.outdated}</p>
      </details>
    </section>
  );
}

function rows(colouring: Colouring) {
  const t = text.value;
  const row = (colour: string, words: string) => (
    <li key={words}><span class="mark" style={{ background: colour }} aria-hidden="true" />{words}</li>
  );
  switch (colouring.by) {
    case 'dataset':
      return [...colouring.colours].map(([id, colour]) => (
        <li key={id}>
          <button type="button" aria-pressed={address.value.dataset === id}
            onClick={() => go({ dataset: address.value.dataset === id ? null : id })}>
            <span class="mark" style={{ background: colour }} aria-hidden="true" />
            {datasetTitle(id)}
          </button>
        </li>
      ));
    case 'numbers': {
      const { breaks, colours, digits } = colouring.scale;
      const figure = (value: number) => number(value, language.value, digits);
      return colours.map((colour, i) => row(colour,
        breaks.length === 0 ? '' :
        i === 0 ? t.below(figure(breaks[0]!)) :
        i === breaks.length ? t.from(figure(breaks.at(-1)!)) :
        t.between(figure(breaks[i - 1]!), figure(breaks[i]!)))).reverse();
    }
    case 'truth': {
      const words = truthOf(colouring.quantity, language.value);
      return [row(yesColour, words.yes), row(noColour, words.no), <li key="groups" class="legend-group">{t.groupShare(countedState(colouring.quantity) ? words.yes : words.no)}</li>];
    }
    case 'words':
      return colouring.scale.categories.map(({ value, colour }) => row(colour, value));
  }
}
