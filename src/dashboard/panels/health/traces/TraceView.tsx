import { type ReactNode, useEffect, useMemo, useState } from 'react';
import type { WaterfallRow } from '../../../../app/telemetryView.ts';
import { saveBytes } from '../../../hooks/saveFile.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNavigate } from '../../../hooks/useNavigation.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { formatCount, formatDateTime, formatDuration } from '../../../kit/format.ts';
import { Empty } from '../../../kit/Notice.tsx';
import { usePlace } from '../place.ts';
import { SpanDetail } from './SpanDetail.tsx';
import { Waterfall } from './Waterfall.tsx';
import { axisOf, drawnRows } from './waterfall.ts';

type Loaded =
  | { readonly phase: 'loading' }
  | { readonly phase: 'gone' }
  | { readonly phase: 'ready'; readonly rows: readonly WaterfallRow[] };

export const TraceView = ({ traceId }: { readonly traceId: string }) => {
  const { models, commands } = useApp();
  const { closeItem } = usePlace();
  const summary = useStore(models.telemetry.traces).find((trace) => trace.traceId === traceId);
  const [loaded, setLoaded] = useState<Loaded>({ phase: 'loading' });
  // A trace that goes on is read again when its summary says so.
  const version = summary ? `${summary.spans} ${summary.durationMs}` : '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` stands for what changes
  useEffect(() => {
    let current = true;
    commands.trace(traceId).then(
      (rows) => current && setLoaded(rows.length === 0 ? { phase: 'gone' } : { phase: 'ready', rows }),
      () => current && setLoaded({ phase: 'gone' }),
    );
    return () => {
      current = false;
    };
  }, [commands, traceId, version]);
  const back = (
    <Button look="plain" icon="back" onClick={closeItem}>
      All traces
    </Button>
  );
  if (loaded.phase === 'loading') return <p className="screen-loading">Reading the trace…</p>;
  if (loaded.phase === 'gone')
    return (
      <Empty title="This trace is no longer here" action={back}>
        The oldest are forgotten when their room is needed. A new run of the same job makes a new one.
      </Empty>
    );
  return <Trace traceId={traceId} rows={loaded.rows} back={back} />;
};

const Trace = ({
  traceId,
  rows,
  back,
}: {
  readonly traceId: string;
  readonly rows: readonly WaterfallRow[];
  readonly back: ReactNode;
}) => {
  const { models, commands, timers } = useApp();
  const notify = useNotify();
  const { go } = useNavigate();
  const { openItem } = usePlace();
  const summary = useStore(models.telemetry.traces).find((trace) => trace.traceId === traceId);
  const [selected, setSelected] = useState<string>();
  const axis = useMemo(() => axisOf(rows), [rows]);
  const all = useMemo(() => drawnRows(rows, new Set(), axis), [rows, axis]);
  const shown = all.find(({ id }) => id === selected) ?? all[0];
  const root = rows[0];
  const save = async () => {
    const file = await commands.exportTrace(traceId).catch(() => undefined);
    if (file) saveBytes(timers, file);
    else notify({ text: 'This trace is no longer stored here.', tone: 'bad' });
  };
  return (
    <div className="health-tab">
      <section className="section" aria-labelledby="trace-title">
        <div className="bar">
          {back}
          <span className="grow" />
          <Button icon="download" onClick={() => void save()}>
            JSON
          </Button>
        </div>
        <div>
          <h2 id="trace-title">{summary?.name ?? root?.span.name}</h2>
          <p className="quiet">
            {formatDuration(axis.toMs - Math.max(0, axis.fromMs))}, {formatCount(rows.length, 'span')}
            {root ? `, ${formatDateTime(root.span.startedAt)}` : ''}. What decided how long it took is marked.
          </p>
          <div className="links">
            {summary?.job ? (
              <button
                type="button"
                className="text-link small"
                onClick={() => go({ screen: 'read', item: summary.job ?? '' })}
              >
                The job
              </button>
            ) : null}
            <button type="button" className="text-link small" onClick={() => openItem('log', traceId)}>
              What the log says of it
            </button>
          </div>
        </div>
        <Notes rows={rows} shifted={all.filter((row) => row.shifted).length} />
        <div className="trace-desk">
          <Waterfall rows={rows} axis={axis} selected={shown?.id} onSelect={setSelected} />
          {shown ? <SpanDetail drawn={shown} /> : null}
        </div>
      </section>
    </div>
  );
};

/** What the picture can't say by itself. */
const Notes = ({ rows, shifted }: { readonly rows: readonly WaterfallRow[]; readonly shifted: number }) => {
  const orphans = rows.filter(({ orphan }) => orphan).length;
  const running = rows.filter(({ span }) => span.endedAt === undefined).length;
  const notes = [
    ...(running > 0 ? [`${formatCount(running, 'span')} still run${running === 1 ? 's' : ''}.`] : []),
    ...(orphans > 0
      ? [
          `${formatCount(orphans, 'span has', 'spans have')} lost what called ${orphans === 1 ? 'it' : 'them'}: it ran at a device that did not tell, or was forgotten.`,
        ]
      : []),
    ...(shifted > 0
      ? [
          `${formatCount(shifted, 'span stands', 'spans stand')} outside of what called ${shifted === 1 ? 'it' : 'them'}: the clocks of two devices don’t agree. Lengths are right, places are off.`,
        ]
      : []),
  ];
  if (notes.length === 0) return null;
  return <p className="small quiet">{notes.join(' ')}</p>;
};
