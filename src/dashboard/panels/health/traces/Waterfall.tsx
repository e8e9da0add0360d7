import { type CSSProperties, type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react';
import type { WaterfallRow } from '../../../../app/telemetryView.ts';
import { useSize } from '../../../hooks/useSize.ts';
import { formatDuration } from '../../../kit/format.ts';
import { Icon } from '../../../kit/Icon.tsx';
import {
  type Axis,
  type DrawnRow,
  drawnRows,
  inSight,
  type Move,
  moved,
  parentIndex,
  ticksOf,
  whereInWords,
} from './waterfall.ts';

const rowHeight = 32;
const tickRoom = 70;
const moves: Readonly<Record<string, Move>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'first',
  End: 'last',
  PageUp: 'page-up',
  PageDown: 'page-down',
};

/**
 * Spans on one axis of time, as a tree: up and down walk, left folds or goes to what called it, right unfolds. Only rows in
 * sight are drawn, so that a thousand are as light as thirty.
 */
export const Waterfall = ({
  rows,
  axis,
  selected,
  onSelect,
}: {
  readonly rows: readonly WaterfallRow[];
  readonly axis: Axis;
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}) => {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const [scrollTop, setScrollTop] = useState(0);
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const drawn = useMemo(() => drawnRows(rows, collapsed, axis), [rows, collapsed, axis]);
  const index = Math.max(
    0,
    drawn.findIndex((row) => row.id === selected),
  );
  const { first, last } = inSight(drawn.length, rowHeight, scrollTop, size?.height ?? 600);
  const ticks = ticksOf(axis, Math.max(2, Math.floor(((size?.width ?? 600) * 0.6) / tickRoom)));

  // The keyboard goes where the eye can follow.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const top = index * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight;
  }, [index]);

  const fold = (row: DrawnRow, folded: boolean) => {
    const next = new Set(collapsed);
    if (folded) next.add(row.id);
    else next.delete(row.id);
    setCollapsed(next);
  };
  const choose = (target: number) => {
    const row = drawn[target];
    if (row) onSelect(row.id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = drawn[index];
    const move = moves[event.key];
    if (!row) return;
    if (move) choose(moved(index, move, drawn.length));
    else if (event.key === 'ArrowLeft' && row.children && !row.collapsed) fold(row, true);
    else if (event.key === 'ArrowLeft') choose(parentIndex(drawn, index));
    else if (event.key === 'ArrowRight' && row.collapsed) fold(row, false);
    else if (event.key === 'ArrowRight' && row.children) choose(index + 1);
    else return;
    event.preventDefault();
  };
  return (
    <div className="waterfall">
      <div className="waterfall-axis" aria-hidden="true">
        <span />
        <div>
          {ticks.map((tick) => (
            <span key={tick} style={{ left: `${((tick - axis.fromMs) / (axis.toMs - axis.fromMs)) * 100}%` }}>
              {tick < 0 ? `−${formatDuration(-tick)}` : formatDuration(tick)}
            </span>
          ))}
        </div>
      </div>
      <div
        ref={box}
        className="waterfall-rows"
        role="tree"
        aria-label="Spans"
        aria-activedescendant={drawn[index] ? `${id}-${drawn[index].id}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
      >
        <div style={{ height: drawn.length * rowHeight }}>
          {drawn.slice(first, last).map((row, at) => (
            <Row
              key={row.id}
              id={`${id}-${row.id}`}
              drawn={row}
              index={first + at}
              count={drawn.length}
              selected={first + at === index}
              onSelect={() => onSelect(row.id)}
              onFold={() => fold(row, !row.collapsed)}
            />
          ))}
        </div>
      </div>
    </div>
  );
};

const Row = ({
  id,
  drawn: { row, left, width, children, collapsed, shifted },
  index,
  count,
  selected,
  onSelect,
  onFold,
}: {
  readonly id: string;
  readonly drawn: DrawnRow;
  readonly index: number;
  readonly count: number;
  readonly selected: boolean;
  readonly onSelect: () => void;
  readonly onFold: () => void;
}) => {
  const { span } = row;
  const place = whereInWords(span);
  const marks = [
    ...(span.failure ? ['failed'] : []),
    ...(row.critical ? ['decided how long it took'] : []),
    ...(row.orphan ? ['its caller is not known'] : []),
    ...(shifted ? ['clocks don’t agree'] : []),
  ];
  const style = { top: index * rowHeight, '--depth': Math.min(row.depth, 12) } as CSSProperties;
  const timeAt = timePlace(left, left + width);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all of its rows
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and says which row is active
    <div
      id={id}
      role="treeitem"
      aria-level={row.depth + 1}
      aria-setsize={count}
      aria-posinset={index + 1}
      aria-selected={selected}
      aria-expanded={children ? !collapsed : undefined}
      aria-label={[`${span.name}, ${formatDuration(row.durationMs)}, ${place}`, ...marks].join(', ')}
      className="span-row"
      data-critical={row.critical ? '' : undefined}
      data-failed={span.failure ? '' : undefined}
      style={style}
      onClick={onSelect}
    >
      <span className="span-name">
        {children ? (
          <button
            type="button"
            tabIndex={-1}
            aria-hidden="true"
            className="span-fold"
            data-collapsed={collapsed ? '' : undefined}
            onClick={(event) => {
              event.stopPropagation();
              onFold();
            }}
          >
            <Icon name="next" size={14} />
          </button>
        ) : (
          <span className="span-fold" />
        )}
        <span className="clip">{span.name}</span>
        <span className="quiet clip span-where">{row.orphan ? `${place}, caller unknown` : place}</span>
      </span>
      <span className="span-track">
        <span
          className="span-bar"
          style={{ left: `${left * 100}%`, width: `max(2px, ${width * 100}%)` }}
          data-where={place === 'tab' ? undefined : 'away'}
        />
        {timeAt === undefined ? null : (
          <span className="span-time" style={timeAt}>
            {formatDuration(row.durationMs)}
          </span>
        )}
      </span>
    </div>
  );
};

/** Behind the bar, else before it; where it fits on neither side the details say it. */
const timePlace = (left: number, right: number): CSSProperties | undefined => {
  if (right <= 0.75) return { left: `${right * 100}%` };
  return left >= 0.25 ? { right: `${(1 - left) * 100}%` } : undefined;
};
