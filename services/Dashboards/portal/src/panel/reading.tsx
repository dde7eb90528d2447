import type { Datastream } from '../data/model.ts';
import { ageInWords, timestamp } from '../reading/age.ts';
import { freshnessOf, reasonsInWords } from '../reading/display.ts';
import { Icon } from '../shell/icons.tsx';
import { latestOf, now } from '../state.ts';
import { language, text } from '../text.ts';

/** How old a reading is: quiet while it is fresh, plain to see when it is not. */
export function Age({ stream }: { stream: Datastream }) {
  const t = text.value;
  const latest = latestOf(stream);
  if (!latest) return <span class="age">{t.noReading}</span>;
  const freshness = freshnessOf(stream, now.value);
  const { time } = latest;
  return (
    <span class={`age age-${freshness}`}>
      <Icon sign={freshness} />
      <time dateTime={new Date(time).toISOString()} title={timestamp(time, language.value)}>{ageInWords(time, now.value, language.value)}</time>
      {freshness !== 'fresh' && <em>{`· ${t.ages[freshness]}`}</em>}
    </span>
  );
}

const newFor = 60_000;

/** Beside a value that has just changed before the visitor's eyes. */
export function LiveDot({ stream }: { stream: Datastream }) {
  void latestOf(stream);
  if (stream.changed === null || now.value - stream.changed > newFor) return null;
  // The key starts its animation again with each change.
  return <span key={stream.changed} class="live-dot" title={text.value.justChanged} aria-hidden="true" />;
}

/** The verdict of the quality checks: sign and word, and the reasons where there are any. */
export function QualityMark({ stream }: { stream: Datastream }) {
  const latest = latestOf(stream);
  if (!latest) return null;
  const { flag } = latest.quality;
  const reasons = reasonsInWords(latest);
  return (
    <span class={`quality quality-${flag}`}>
      <Icon sign={flag} />
      {text.value.flags[flag]}
      {reasons && <span class="reasons">{`: ${reasons}`}</span>}
    </span>
  );
}
