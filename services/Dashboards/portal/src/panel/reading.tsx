import type { Datastream } from '../data/model.ts';
import { ageInWords, timestamp } from '../reading/age.ts';
import { freshnessOf, reasonsInWords } from '../reading/display.ts';
import { Icon } from '../shell/icons.tsx';
import { now } from '../state.ts';
import { language, text } from '../text.ts';

/** How old a reading is: quiet while it is fresh, plain to see when it is not. */
export function Age({ stream }: { stream: Datastream }) {
  const t = text.value;
  if (!stream.latest) return <span class="age">{t.noReading}</span>;
  const freshness = freshnessOf(stream, now.value);
  const { time } = stream.latest;
  return (
    <span class={`age age-${freshness}`}>
      <Icon sign={freshness} />
      <time dateTime={new Date(time).toISOString()} title={timestamp(time, language.value)}>{ageInWords(time, now.value, language.value)}</time>
      {freshness !== 'fresh' && <em>{`· ${t.ages[freshness]}`}</em>}
    </span>
  );
}

/** The verdict of the quality checks: sign and word, and the reasons where there are any. */
export function QualityMark({ stream }: { stream: Datastream }) {
  if (!stream.latest) return null;
  const { flag } = stream.latest.quality;
  const reasons = reasonsInWords(stream.latest);
  return (
    <span class={`quality quality-${flag}`}>
      <Icon sign={flag} />
      {text.value.flags[flag]}
      {reasons && <span class="reasons">{`: ${reasons}`}</span>}
    </span>
  );
}
