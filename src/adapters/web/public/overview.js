/** The last hour in charts, for whoever runs the bot. */

import { byId, h } from './dom.js';
import { bytes } from './memory.js';
import uPlot from './vendor/uplot.js';

const HOUR_S = 3600;
const SHORTEST_S = 600;
const HEIGHT = 150;

/** Each chart: its name in the texts, its lines by the name of the figure, and how its values are written. */
const CHARTS = [
  { name: 'turns', lines: { turns_per_minute: '' }, format: 'number' },
  { name: 'firstToken', lines: { first_token_p50: 'p50', first_token_p99: 'p99' }, format: 'time' },
  { name: 'turnTime', lines: { turn_p50: 'p50', turn_p99: 'p99' }, format: 'time' },
  { name: 'waiting', lines: { waiting: '' }, format: 'number' },
  { name: 'errors', lines: { errors: '' }, format: 'number' },
  { name: 'conversations', lines: { conversations: '' }, format: 'number' },
  { name: 'messages', lines: { messages: '' }, format: 'number' },
  { name: 'memory', lines: { memory_bytes: '' }, format: 'bytes', redis: true },
  { name: 'clients', lines: { clients: '' }, format: 'number', redis: true },
];

export function createOverview(api, settings, setup) {
  const root = byId('charts');
  let charts = [];
  let samples = [];
  let timer;

  const resized = new ResizeObserver(() => {
    for (const { plot, frame } of charts)
      if (frame.clientWidth > 0) plot.setSize({ width: frame.clientWidth, height: HEIGHT });
  });
  resized.observe(root);

  async function refresh() {
    clearTimeout(timer);
    let pause = 10_000;
    try {
      const answer = await api.get('overview');
      samples = answer.samples;
      pause = answer.every_ms;
      if (charts.length === 0) build();
      draw();
    } catch {
      // The header says that the bot is away; asked again all the same.
    }
    timer = setTimeout(refresh, pause);
  }

  function build() {
    for (const { plot } of charts) plot.destroy();
    const { model, store } = setup();
    byId('overview-hint').textContent = settings.texts.overviewHint(
      model,
      store === 'redis' ? 'Redis' : settings.texts.embedded,
    );
    charts = CHARTS.filter(({ redis }) => !redis || store === 'redis').map(buildChart);
    root.replaceChildren(...charts.map(({ figure }) => figure));
    for (const { plot, frame } of charts) plot.setSize({ width: Math.max(200, frame.clientWidth), height: HEIGHT });
  }

  function buildChart(chart) {
    const write = (value) => formatted(chart.format, value);
    const names = Object.entries(chart.lines);
    const value = h('span', { class: 'value' });
    const frame = h('div', { class: 'plot', role: 'img' });
    const legend =
      names.length === 1 ? null : names.map(([, label], index) => h('span', { class: `key line${index}` }, label));
    const figure = h(
      'figure',
      {},
      h('figcaption', {}, h('span', {}, settings.texts.charts[chart.name]), legend, value),
      frame,
    );
    const axis = {
      stroke: color('--quiet'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui',
    };
    const plot = new uPlot(
      {
        width: 320,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { range: () => shownTimes(samples) },
          y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.15)] },
        },
        axes: [
          { ...axis, size: 28, space: 70, values: (_, ticks) => ticks.map((tick) => time(tick)) },
          { ...axis, size: 62, space: 34, values: (_, ticks) => ticks.map(write) },
        ],
        series: [
          {},
          ...names.map((_, index) => ({
            stroke: color(index === 0 ? '--accent' : '--second'),
            width: 2,
            // Quiet minutes have no times: the few that are there must be seen without a neighbour.
            points: { show: chart.format === 'time', size: 5, fill: color(index === 0 ? '--accent' : '--second') },
            spanGaps: false,
          })),
        ],
      },
      [[], ...names.map(() => [])],
      frame,
    );
    return { chart, plot, frame, figure, value, write };
  }

  function draw() {
    const at = samples.map((sample) => sample.at / 1000);
    for (const { chart, plot, frame, value, write } of charts) {
      const names = Object.keys(chart.lines);
      const lines = names.map((name) => samples.map((sample) => sample[name]));
      plot.setData([at, ...lines]);
      const said = names.map((name, index) => {
        const figures = lines[index].filter((figure) => figure !== null);
        if (figures.length === 0) return [chart.lines[name], settings.texts.collecting].join(' ').trim();
        const text = settings.texts.figures(write(figures.at(-1)), write(Math.max(...figures)));
        return [chart.lines[name], text].join(' ').trim();
      });
      value.textContent = said.join('; ');
      frame.setAttribute('aria-label', `${settings.texts.charts[chart.name]}: ${said.join('; ')}`);
    }
  }

  function formatted(format, value) {
    if (format === 'bytes') return bytes(value, settings.locale);
    if (format === 'number') return new Intl.NumberFormat(settings.locale, { maximumFractionDigits: 1 }).format(value);
    const [unit, count] = value < 1000 ? ['millisecond', value] : ['second', value / 1000];
    const options = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: unit === 'second' ? 1 : 0 };
    return new Intl.NumberFormat(settings.locale, options).format(count);
  }

  function time(seconds) {
    return new Intl.DateTimeFormat(settings.locale, { timeStyle: 'short' }).format(seconds * 1000);
  }

  return {
    start: refresh,
    stop: () => clearTimeout(timer),
    /** Language or colours have changed. */
    redraw() {
      if (charts.length === 0) return;
      build();
      draw();
    },
  };
}

/** A colour of the style sheet, resolved for the light or dark that holds: a canvas knows no variables. */
function color(name) {
  const probe = h('span', { hidden: true });
  document.body.append(probe);
  probe.style.color = `var(${name})`;
  const { color: resolved } = getComputedStyle(probe);
  probe.remove();
  return resolved;
}

/** The last hour; of a process that is younger, as much as there is, and ten minutes at least. */
function shownTimes(samples) {
  const now = Date.now() / 1000;
  const first = (samples[0]?.at ?? 0) / 1000;
  return [Math.max(now - HOUR_S, Math.min(first, now - SHORTEST_S)), now];
}
