/** The last hour in charts, for the administrator. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Sample } from '../schemas.ts';
import { bytes, milliseconds } from './format.ts';
import type { Props } from './playground.ts';
import type { Locale, Texts } from './texts.ts';

const HOUR_S = 3600;
const SHORTEST_S = 600;
const HEIGHT = 150;
/** Between two questions while the bot is away. */
const AGAIN_MS = 10_000;

type Figure = Exclude<keyof Sample, 'at'>;

interface ChartKind {
  readonly name: keyof Texts['charts'];
  /** Each line's figure, and what it is called where there are several. */
  readonly lines: readonly (readonly [figure: Figure, label: string])[];
  readonly write: (value: number, locale: Locale) => string;
  /** Minutes without turns have no times: the few that there are must be seen without a neighbour. */
  readonly hasGaps?: boolean;
  readonly isOfRedis?: boolean;
}

function count(value: number, locale: Locale): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value);
}

const CHARTS: readonly ChartKind[] = [
  { name: 'turns', lines: [['turns_per_minute', '']], write: count },
  {
    name: 'firstToken',
    lines: [
      ['first_token_p50', 'p50'],
      ['first_token_p99', 'p99'],
    ],
    write: milliseconds,
    hasGaps: true,
  },
  {
    name: 'turnTime',
    lines: [
      ['turn_p50', 'p50'],
      ['turn_p99', 'p99'],
    ],
    write: milliseconds,
    hasGaps: true,
  },
  { name: 'waiting', lines: [['waiting', '']], write: count },
  { name: 'errors', lines: [['errors', '']], write: count },
  { name: 'conversations', lines: [['conversations', '']], write: count },
  { name: 'messages', lines: [['messages', '']], write: count },
  { name: 'memory', lines: [['memory_bytes', '']], write: bytes, isOfRedis: true },
  { name: 'clients', lines: [['clients', '']], write: count, isOfRedis: true },
];

export function Overview({ playground }: Props) {
  const { api, texts, state } = playground;
  const { setup, locale, theme } = state;
  const [samples, setSamples] = useState<readonly Sample[]>();
  const isDark = useDark();
  useEffect(() => {
    let timer = 0;
    let isShown = true;
    const refresh = async () => {
      // The header says when the bot is away; it is asked again all the same.
      const answer = await api.get('overview', {}).catch(() => undefined);
      if (!isShown) return;
      if (answer !== undefined) setSamples(answer.samples);
      timer = setTimeout(refresh, answer?.every_ms ?? AGAIN_MS);
    };
    void refresh();
    return () => {
      isShown = false;
      clearTimeout(timer);
    };
  }, [api]);
  if (samples === undefined || setup === undefined) return null;
  const store = setup.store === 'redis' ? 'Redis' : texts.embedded;
  return (
    <>
      <p class="hint">{texts.overviewHint(setup.model, store)}</p>
      <div id="charts" class="charts">
        {CHARTS.filter(({ isOfRedis = false }) => !isOfRedis || setup.store === 'redis').map((kind) => (
          // Recreated in the other colours: a canvas does not follow the style sheet.
          <Chart
            key={[kind.name, locale, theme, isDark].join()}
            kind={kind}
            samples={samples}
            texts={texts}
            locale={locale}
          />
        ))}
      </div>
    </>
  );
}

interface ChartProps {
  readonly kind: ChartKind;
  readonly samples: readonly Sample[];
  readonly texts: Texts;
  readonly locale: Locale;
}

function Chart({ kind, samples, texts, locale }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const { name, lines } = kind;
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const drawn = new uPlot(optionsOf(kind, locale), [[], ...lines.map(() => [])], element);
    plot.current = drawn;
    const resized = new ResizeObserver(() => {
      if (element.clientWidth > 0) drawn.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      drawn.destroy();
    };
  }, [kind, lines, locale]);
  useEffect(() => {
    const at = samples.map((sample) => sample.at / 1000);
    plot.current?.setData([at, ...lines.map(([figure]) => samples.map((sample) => sample[figure]))]);
  }, [samples, lines]);

  const said = lines.map(([figure, label]) => {
    const values = samples.map((sample) => sample[figure]).filter((value) => value !== null);
    const last = values.at(-1);
    const text =
      last === undefined
        ? texts.collecting
        : texts.figures(kind.write(last, locale), kind.write(Math.max(...values), locale));
    return `${label} ${text}`.trim();
  });
  return (
    <figure>
      <figcaption>
        <span>{texts.charts[name]}</span>
        {lines.length > 1 &&
          lines.map(([figure, label], index) => (
            <span key={figure} class={`key line${index}`}>
              {label}
            </span>
          ))}
        <span class="value">{said.join('; ')}</span>
      </figcaption>
      <div ref={frame} class="plot" role="img" aria-label={`${texts.charts[name]}: ${said.join('; ')}`} />
    </figure>
  );
}

function optionsOf({ lines, write, hasGaps = false }: ChartKind, locale: Locale): uPlot.Options {
  const time = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
  const axis: uPlot.Axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  };
  return {
    width: 320,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_, first) => shownTimes(first) },
      y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.15)] },
    },
    axes: [
      { ...axis, size: 28, space: 70, values: (_, ticks) => ticks.map((tick) => time.format(tick * 1000)) },
      { ...axis, size: 62, space: 34, values: (_, ticks) => ticks.map((tick) => write(tick, locale)) },
    ],
    series: [
      {},
      ...lines.map((_, index): uPlot.Series => {
        const stroke = color(index === 0 ? '--accent' : '--second');
        return { stroke, width: 2, points: { show: hasGaps, size: 5, fill: stroke }, spanGaps: false };
      }),
    ],
  };
}

/** Whether the system is dark, which may change at any time. */
function useDark(): boolean {
  const [query] = useState(() => matchMedia('(prefers-color-scheme: dark)'));
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const changed = () => setDark(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, [query]);
  return isDark;
}

/** A colour of the style sheet, resolved for the light or dark that holds: a canvas knows no variables. */
function color(name: string): string {
  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  probe.style.color = `var(${name})`;
  const { color: resolved } = getComputedStyle(probe);
  probe.remove();
  return resolved;
}

/** The last hour; of a process that is younger, as much as there is, and ten minutes at least. In Unix seconds. */
function shownTimes(first: number | undefined): [from: number, to: number] {
  const now = Date.now() / 1000;
  return [Math.max(now - HOUR_S, Math.min(first ?? now, now - SHORTEST_S)), now];
}
