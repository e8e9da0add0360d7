import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useSize } from '../hooks/useSize.ts';
import { useResolvedTheme } from '../hooks/useTheme.ts';
import { formatClockTime } from '../kit/format.ts';
import { lastKnown, summarizeSeries } from './series.ts';
import './charts.css';

export type ChartLine = {
  /** Needed where two lines may have one label. */
  readonly key?: string;
  readonly label: string;
  /** null is a gap; over undefined the line goes on. */
  readonly values: readonly (number | null | undefined)[];
  /** A custom property of the theme: `--accent`. */
  readonly colour: string;
  readonly dashed?: boolean;
  /** A running total stays until it changes. */
  readonly stepped?: boolean;
};

export type TimeChartProps = {
  readonly title: string;
  readonly time: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
  readonly height?: number;
  /** Seconds from and to; all of `time` if left out. */
  readonly range?: readonly [number, number] | undefined;
  /** Called with the seconds that were dragged over. */
  readonly onSelect?: ((from: number, to: number) => void) | undefined;
};

/** More than these don't stand beside the title: they fold into a list below the chart. */
const titledLines = 4;
const spokenLines = 8;

/** One small chart over time: the figure under the pointer, else the newest; a sentence for screen readers. */
export const TimeChart = ({ title, time, lines, format, height = 156, range, onSelect }: TimeChartProps) => {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const size = useSize(box);
  const theme = useResolvedTheme();
  const [cursor, setCursor] = useState<number>();
  const [unfolded, setUnfolded] = useState(false);
  // Read by the plot whenever it draws: neither a new range nor a new listener makes it anew.
  const live = useRef({ range, onSelect });
  live.current = { range, onSelect };
  const width = size?.width;
  const shape = lines.map((line) => `${line.label}|${line.colour}|${line.dashed}|${line.stepped}`).join('\n');

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for the lines' looks; their values go through setData
  useEffect(() => {
    const target = box.current;
    if (!target || !width) return;
    const made = new uPlot(
      plotOptions({ width, height, lines, format, onCursor: setCursor, read: () => live.current }),
      plotData(time, lines),
      target,
    );
    plot.current = made;
    return () => {
      plot.current = undefined;
      made.destroy();
    };
  }, [width, height, theme, shape]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the plot reads the range itself, when it is told to look
  useEffect(() => plot.current?.setData(plotData(time, lines)), [time, lines, range?.[0], range?.[1]]);

  const folds = lines.length > titledLines;
  const words = useMemo(() => {
    const more = lines.length - spokenLines;
    const spoken = lines
      .slice(0, spokenLines)
      .map((line) => summarizeSeries(line.label, line.values, format));
    return [...spoken, ...(more > 0 ? [`And ${more} more lines.`] : [])].join(' ');
  }, [lines, format]);
  const values = lines.map((line) => (
    <ChartValue
      key={line.key ?? line.label}
      line={line}
      cursor={cursor}
      format={format}
      named={lines.length > 1}
    />
  ));

  return (
    <figure className="chart">
      <figcaption>
        <span className="chart-title">{title}</span>
        <span className="chart-values" aria-hidden="true">
          {folds ? null : values}
          {cursor !== undefined && time[cursor] !== undefined ? (
            <span className="quiet">{formatClockTime(time[cursor] * 1000)}</span>
          ) : null}
        </span>
      </figcaption>
      <div
        ref={box}
        className="chart-box"
        role="img"
        aria-label={words}
        data-drag={onSelect ? '' : undefined}
        style={{ height }}
      />
      {folds ? (
        <div className="chart-legend">
          <button
            type="button"
            className="text-link"
            aria-expanded={unfolded}
            onClick={() => setUnfolded(!unfolded)}
          >
            {unfolded ? 'Hide' : 'Show'} {lines.length} lines
          </button>
          {unfolded ? <div className="chart-lines">{values}</div> : null}
        </div>
      ) : null}
    </figure>
  );
};

const ChartValue = ({
  line,
  cursor,
  format,
  named,
}: {
  readonly line: ChartLine;
  readonly cursor: number | undefined;
  readonly format: (value: number) => string;
  readonly named: boolean;
}) => {
  const value = cursor === undefined ? lastKnown(line.values) : (line.values[cursor] ?? undefined);
  return (
    <span className="chart-value">
      {named ? (
        <svg width="16" height="4" aria-hidden="true" focusable="false">
          <path
            d="M0 2h16"
            style={{ stroke: `var(${line.colour})` }}
            strokeWidth="2.5"
            strokeDasharray={line.dashed ? '4 3' : undefined}
          />
        </svg>
      ) : null}
      {named ? <span className="quiet">{line.label}</span> : null}
      {value === undefined ? '–' : format(value)}
    </span>
  );
};

const plotData = (time: readonly number[], lines: readonly ChartLine[]): uPlot.AlignedData => [
  time as number[],
  ...lines.map((line) => line.values as (number | null | undefined)[]),
];

const plotOptions = ({
  width,
  height,
  lines,
  format,
  onCursor,
  read,
}: {
  readonly width: number;
  readonly height: number;
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
  readonly onCursor: (index: number | undefined) => void;
  readonly read: () => Pick<TimeChartProps, 'range' | 'onSelect'>;
}): uPlot.Options => {
  const styles = getComputedStyle(document.documentElement);
  const token = (name: string) => styles.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: token('--ink-3'),
    font: '12px "Figtree Variable", system-ui, sans-serif',
    ticks: { show: false },
    grid: { stroke: token('--rule'), width: 1 },
  };
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: read().onSelect !== undefined, y: false, setScale: false },
      points: { show: lines.length <= titledLines, size: 7 },
    },
    scales: {
      x: { range: (_plot, min, max) => (read().range as [number, number] | undefined) ?? [min, max] },
      y: { range: (_plot, min, max) => [min < 0 ? min * 1.12 : 0, max > 0 ? max * 1.12 : min < 0 ? 0 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 90, values: timeLabels },
      { ...axis, size: 62, space: 30, values: (_plot, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...lines.map((line) => {
        const stroke = token(line.colour);
        return {
          label: line.label,
          stroke,
          width: strokeWidth(lines.length),
          points: { show: true, size: 4, width: 0, fill: stroke, filter: isolatedPoints },
          ...(line.dashed ? { dash: [6, 4] } : {}),
          ...(line.stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        };
      }),
    ],
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? undefined)],
      setSelect: [
        (plot) => {
          const { left, width: dragged } = plot.select;
          if (dragged < leastDrag) return;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          read().onSelect?.(plot.posToVal(left, 'x'), plot.posToVal(left + dragged, 'x'));
        },
      ],
    },
  };
};

/** What was measured once, with nothing beside it: a line of one point is not seen. */
const isolatedPoints = (plot: uPlot, line: number): number[] => {
  const values = plot.data[line] ?? [];
  const found: number[] = [];
  let before: number | null | undefined = null;
  let at = -1;
  for (let i = 0; i <= values.length; i++) {
    const value = i < values.length ? values[i] : null;
    if (value === undefined) continue;
    if (value === null && before !== null && before !== undefined && at >= 0) found.push(at);
    at = before === null && value !== null ? i : -1;
    before = value;
  }
  return found;
};

/** Many lines are thin, to be told apart; hairlines are also drawn much faster than strokes with a breadth. */
const strokeWidth = (lines: number): number => (lines > 16 ? 1 : lines > titledLines ? 1.25 : 2);

/** Pixels: less is a click. */
const leastDrag = 6;

const timeLabels = (_plot: uPlot, splits: number[]): string[] => {
  const span = (splits.at(-1) ?? 0) - (splits[0] ?? 0);
  return splits.map((second) =>
    new Date(second * 1000).toLocaleString(
      'en-GB',
      span > 86_400
        ? { day: 'numeric', month: 'short' }
        : { hour: '2-digit', minute: '2-digit', ...(span < 300 ? { second: '2-digit' } : {}) },
    ),
  );
};
