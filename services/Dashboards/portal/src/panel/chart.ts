/** The curve of a Datastream. Loaded when the first panel opens: ECharts is larger than all the rest of the page. */

import { LineChart, type LineSeriesOption } from 'echarts/charts';
import { GridComponent, MarkAreaComponent, TooltipComponent } from 'echarts/components';
import { init, use, type ECharts } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { Period } from '../address.ts';
import { timestamp } from '../reading/age.ts';
import type { Point } from '../reading/gaps.ts';
import { number } from '../reading/units.ts';
import type { Language } from '../text.ts';

use([LineChart, GridComponent, TooltipComponent, MarkAreaComponent, CanvasRenderer]);

export interface ChartContent {
  line: Point[];
  gaps: { from: number; to: number }[];
  from: number;
  to: number;
  kind: 'number' | 'state';
  period: Period;
  language: Language;
  words: (value: number) => string;
  noData: string;
  states: [no: string, yes: string];
}

const night = matchMedia('(prefers-color-scheme: dark)');

export class HistoryChart {
  readonly #chart: ECharts;
  readonly #element: HTMLElement;
  readonly #resized: ResizeObserver;
  #content: ChartContent | null = null;

  constructor(element: HTMLElement) {
    this.#element = element;
    this.#chart = init(element, null, { renderer: 'canvas' });
    this.#resized = new ResizeObserver(() => this.#chart.resize());
    this.#resized.observe(element);
    night.addEventListener('change', this.#redraw);
  }

  show(content: ChartContent): void {
    this.#content = content;
    this.#redraw();
  }

  dispose(): void {
    night.removeEventListener('change', this.#redraw);
    this.#resized.disconnect();
    this.#chart.dispose();
  }

  readonly #redraw = (): void => {
    const content = this.#content;
    if (!content) return;
    const theme = getComputedStyle(this.#element);
    const colour = (name: string) => theme.getPropertyValue(name).trim();
    const accent = colour('--accent');
    const axisText = { color: colour('--text-soft'), fontFamily: theme.fontFamily, fontSize: 12 };
    const locale = content.language === 'de' ? 'de-DE' : 'en-GB';
    const ticks = new Intl.DateTimeFormat(locale, tickFormat[content.period]);

    this.#chart.setOption({
      animation: false,
      grid: { left: 4, right: 10, top: 12, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      xAxis: {
        type: 'time', min: content.from, max: content.to, splitNumber: 4,
        axisLine: { lineStyle: { color: colour('--line') } },
        axisTick: { lineStyle: { color: colour('--line') } },
        axisLabel: { ...axisText, margin: 12, hideOverlap: true, formatter: (time: number) => ticks.format(time) },
      },
      yAxis: {
        type: 'value', scale: true, splitNumber: 4,
        ...(content.kind === 'state' && { min: 0, max: 1, interval: 1 }),
        splitLine: { lineStyle: { color: colour('--line') } },
        axisLabel: {
          ...axisText,
          formatter: (value: number) => (content.kind === 'state' ? content.states[value > 0 ? 1 : 0] : number(value, content.language)),
        },
      },
      tooltip: {
        trigger: 'axis',
        // Drawn on the canvas: an HTML tooltip would need inline styles, which the page's policy forbids.
        renderMode: 'richText',
        confine: true,
        backgroundColor: colour('--surface'),
        borderColor: colour('--line'),
        textStyle: { color: colour('--text'), fontFamily: theme.fontFamily, fontSize: 13 },
        axisPointer: { lineStyle: { color: colour('--text-soft'), type: 'solid' } },
        formatter: (items: unknown) => this.#tooltip(items as { axisValue: number; dataIndex: number }[]),
      },
      series: [...(content.kind === 'number' ? band(content.line, accent) : []), curve(content, accent, colour('--gap'))],
    }, { notMerge: true });
  };

  #tooltip(items: { axisValue: number; dataIndex: number }[]): string {
    const content = this.#content!;
    const point = content.line[items[0]?.dataIndex ?? -1];
    if (!point) return '';
    const spread = content.kind === 'number' && point.min !== null && point.max !== null && point.min !== point.max
      ? `\n${content.words(point.min)} … ${content.words(point.max)}` : '';
    const value = point.mean === null ? content.noData : content.words(point.mean);
    return `${timestamp(point.time, content.language)}\n${value}${spread}`;
  }
}

const tickFormat: Record<Period, Intl.DateTimeFormatOptions> = {
  '24h': { hour: '2-digit', minute: '2-digit' },
  '7d': { weekday: 'short', day: 'numeric' },
  '30d': { day: 'numeric', month: 'numeric' },
};

function curve(content: ChartContent, accent: string, gap: string): LineSeriesOption {
  const state = content.kind === 'state';
  const last = content.line.at(-1);
  const data: [number, number | null][] = content.line.map(point => [point.time, point.mean]);
  const silent = content.gaps.at(-1)?.to === content.to;
  // A state holds until it is told to change.
  if (state && last && last.mean !== null && !silent) data.push([content.to, last.mean]);
  return {
    type: 'line', data, symbol: 'circle', symbolSize: 5, showSymbol: data.length < 40 && !state, connectNulls: false,
    ...(state && { step: 'end' as const, areaStyle: { color: accent, opacity: 0.28 } }),
    lineStyle: { color: accent, width: state ? 1.5 : 2 },
    itemStyle: { color: accent },
    emphasis: { disabled: true },
    markArea: {
      silent: true,
      itemStyle: { color: gap },
      data: content.gaps.map(({ from, to }) => [{ xAxis: from }, { xAxis: to }]),
    },
  };
}

/** From least to greatest: an unseen line below, and the difference stacked on it. */
function band(line: Point[], accent: string): LineSeriesOption[] {
  if (!line.some(point => point.max !== point.min)) return [];
  const common = {
    type: 'line' as const, stack: 'band', stackStrategy: 'all' as const, symbol: 'none', silent: true,
    lineStyle: { opacity: 0 }, emphasis: { disabled: true }, tooltip: { show: false },
  };
  return [
    { ...common, data: line.map(point => [point.time, point.min]) },
    {
      ...common,
      areaStyle: { color: accent, opacity: 0.18 },
      data: line.map(point => [point.time, point.max === null || point.min === null ? null : point.max - point.min]),
    },
  ];
}
