import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Period } from '../address.ts';
import { loadSeries, type Series } from '../data/series.ts';
import type { Datastream } from '../data/model.ts';
import { timestamp } from '../reading/age.ts';
import { gaps, withGaps, type Point } from '../reading/gaps.ts';
import { quantity } from '../reading/units.ts';
import { truthOf } from '../reading/words.ts';
import { address, arrived, go } from '../state.ts';
import { language, text } from '../text.ts';
import type { HistoryChart } from './chart.ts';

const periods: Record<Period, number> = { '24h': 24 * 3600e3, '7d': 7 * 24 * 3600e3, '30d': 30 * 24 * 3600e3 };
const points = 360;
/** States change seldom and are told on change: their silence means something only after this long. */
const quietState = 2 * 3600e3;

interface Loaded extends Series {
  from: number;
  to: number;
}

/** 24 hours, 7 or 30 days of a Datastream, as a curve and as a table. */
export function History({ stream }: { stream: Datastream }) {
  const t = text.value;
  const { period } = address.value;
  const state = useSignal<Loaded | 'loading' | 'failed'>('loading');
  const value = stream.latest?.value;
  const kind = typeof value === 'boolean' ? 'state' : typeof value === 'string' ? 'text' : 'number';

  useEffect(() => {
    if (kind === 'text') return undefined;
    const leaving = new AbortController();
    const to = Date.now();
    const from = to - periods[period];
    state.value = 'loading';
    loadSeries(stream, from, to, points, leaving.signal)
      .then(series => { state.value = { ...series, from, to }; })
      .catch(() => { if (!leaving.signal.aborted) state.value = 'failed'; });
    return () => leaving.abort();
  }, [stream.id, period, kind]);

  useEffect(() => arrived.subscribe(newest => {
    const series = state.peek();
    if (newest?.id !== stream.id || typeof series === 'string' || !newest.latest) return;
    const { time } = newest.latest;
    const figure = Number(newest.latest.value);
    if (time <= (series.points.at(-1)?.time ?? 0) || Number.isNaN(figure)) return;
    state.value = { ...series, to: Math.max(time, Date.now()), points: [...series.points, { time, mean: figure, min: figure, max: figure }] };
  }), [stream.id]);

  const line = useComputed(() => {
    const series = state.value;
    if (typeof series === 'string') return null;
    const usual = kind === 'state' ? Math.max(series.interval ?? 0, stream.expectedInterval ?? 0, quietState) : series.interval;
    // A stretch in which a bay was taken and left shows what it mostly was: there is no half-taken one.
    const told = kind === 'state' ? series.points.map(point => ({ ...point, mean: point.mean === null ? null : Math.round(point.mean) })) : series.points;
    return withGaps(told, usual);
  });

  if (kind === 'text') return <p class="empty">{t.historyText}</p>;
  const series = state.value;
  return (
    <div class="history">
      <div class="periods" role="group" aria-label={t.history}>
        {(Object.keys(periods) as Period[]).map(choice => (
          <button key={choice} type="button" aria-pressed={choice === period} onClick={() => go({ period: choice })}>{t.periods[choice]}</button>
        ))}
      </div>
      {series === 'loading' && <p class="chart-words" role="status">{t.historyLoading}</p>}
      {series === 'failed' && <p class="chart-words" role="alert">{t.historyFailed}</p>}
      {typeof series !== 'string' && (series.points.length === 0
        ? <p class="chart-words">{t.historyEmpty}</p>
        : <Curve stream={stream} series={series} line={line.value!} kind={kind} period={period} />)}
    </div>
  );
}

interface CurveProps {
  stream: Datastream;
  series: Loaded;
  line: Point[];
  kind: 'number' | 'state';
  period: Period;
}

function Curve({ stream, series, line, kind, period }: CurveProps) {
  const t = text.value;
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<HistoryChart | null>(null);
  const truth = truthOf(stream.quantity, language.value);
  const wordsFor = (value: number) =>
    kind === 'number' ? quantity(value, stream.unit, language.value)
      : value >= 1 ? truth.yes : value <= 0 ? truth.no : `${Math.round(value * 100)}\u202f% ${truth.yes}`;

  const draw = () => chart.current?.show({
    line, gaps: gaps(line, series.to), from: series.to - periods[period], to: series.to,
    kind, period, language: language.value, words: wordsFor, noData: t.flags.missing,
    // Two labels for a state; its scale has no numbers between.
    states: [truth.no, truth.yes],
  });

  useEffect(() => {
    let gone = false;
    void import('./chart.ts').then(({ HistoryChart }) => {
      if (gone || !element.current) return;
      chart.current = new HistoryChart(element.current);
      draw();
    });
    return () => { gone = true; chart.current?.dispose(); chart.current = null; };
  }, []);
  useEffect(draw, [line, language.value]);

  const known = line.filter(point => point.mean !== null);
  const holes = gaps(line, series.to).length;
  const least = Math.min(...known.map(point => point.min ?? point.mean!));
  const greatest = Math.max(...known.map(point => point.max ?? point.mean!));
  const summary = t.historySummary(stream.name, wordsFor(least), wordsFor(greatest), wordsFor(known.at(-1)!.mean!)) + t.gapSummary(holes);
  const banded = kind === 'number' && known.some(point => point.max !== point.min);
  return (
    <>
      <div ref={element} class={`chart chart-${kind}`} role="img" aria-label={summary} />
      {banded && <p class="chart-note">{t.band}</p>}
      <details class="chart-table">
        <summary>{t.asTable}</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={t.asTable}>
          <table>
            <thead><tr><th scope="col">{t.time}</th><th scope="col">{banded ? t.mean : t.value}</th>{banded && <><th scope="col">{t.least}</th><th scope="col">{t.greatest}</th></>}</tr></thead>
            <tbody>
              {[...known].reverse().map(point => (
                <tr key={point.time}>
                  <th scope="row">{timestamp(point.time, language.value)}</th>
                  <td>{wordsFor(point.mean!)}</td>
                  {banded && <><td>{wordsFor(point.min ?? point.mean!)}</td><td>{wordsFor(point.max ?? point.mean!)}</td></>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
