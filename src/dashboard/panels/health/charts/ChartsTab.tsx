import { useEffect, useMemo, useState } from 'react';
import { attempt } from '../../../hooks/attempt.ts';
import { saveBytes } from '../../../hooks/saveFile.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNavigate } from '../../../hooks/useNavigation.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { Segmented } from '../../../kit/Field.tsx';
import { formatDateTime } from '../../../kit/format.ts';
import { Empty } from '../../../kit/Notice.tsx';
import { formatSpan } from '../../../kit/units.ts';
import { usePlace, viewOfPlace } from '../place.ts';
import { ChartCard } from './ChartCard.tsx';
import {
  addedCharts,
  boundsOf,
  type ChartsState,
  type ChartWindow,
  defaultCharts,
  pan,
  select,
  spans,
  zoomOut,
} from './chartModel.ts';
import { PeersSection } from './PeersSection.tsx';
import { SeriesPicker } from './SeriesPicker.tsx';
import './charts.css';

export const ChartsTab = ({
  state,
  onChange,
}: {
  readonly state: ChartsState;
  readonly onChange: (state: ChartsState) => void;
}) => {
  const { models, commands, clock } = useApp();
  const { go } = useNavigate();
  const series = useStore(models.telemetry.series);
  const { metrics } = useStore(models.telemetry.settings);
  const { open, closeItem } = usePlace();
  const [picking, setPicking] = useState(false);
  const charts = useMemo(() => defaultCharts(series, commands.describe), [series, commands]);
  const added = useMemo(
    () => addedCharts(state.added, series, commands.describe),
    [state.added, series, commands],
  );
  // A link to a series adds it once; afterwards it can be taken away like any other.
  useEffect(() => {
    if (open === undefined) return;
    onChange({ ...state, added: [open, ...state.added.filter((key) => key !== open)] });
    closeItem();
  }, [open, state, onChange, closeItem]);

  if (series.length === 0)
    return metrics ? (
      <Empty title="Nothing measured yet">The curves begin a few seconds after the tab opened.</Empty>
    ) : (
      <Empty
        title="Measuring is switched off"
        action={
          <Button onClick={() => go(viewOfPlace({ tab: 'reports', open: undefined }))}>
            See what is measured
          </Button>
        }
      >
        Nothing is measured or kept until you switch it on again.
      </Empty>
    );
  const show = (window: ChartWindow) => onChange({ ...state, window });
  const onSelect = (from: number, to: number) => show(select(from * 1_000, to * 1_000, clock.now()));
  const keys = [...new Set([...added, ...charts].flatMap((chart) => chart.series.map(({ key }) => key)))];
  return (
    <div className="health-tab">
      <section className="section" aria-label="Charts">
        <RangeBar window={state.window} onChange={show} />
        <div className="bar">
          <Button icon="plus" onClick={() => setPicking(true)}>
            Add a series
          </Button>
          <CsvButton keys={keys} window={state.window} />
        </div>
        <div className="charts">
          {added.map((spec) => (
            <ChartCard
              key={`added ${spec.id}`}
              spec={spec}
              window={state.window}
              onSelect={onSelect}
              onRemove={() => {
                const gone = new Set(spec.series.map(({ key }) => key));
                onChange({ ...state, added: state.added.filter((key) => !gone.has(key)) });
              }}
            />
          ))}
          {charts.map((spec) => (
            <ChartCard key={spec.title} spec={spec} window={state.window} onSelect={onSelect} />
          ))}
        </div>
      </section>
      <PeersSection peer={state.peer} onChange={(peer) => onChange({ ...state, peer })} />
      {picking ? (
        <SeriesPicker
          added={state.added}
          onChange={(next) => onChange({ ...state, added: next })}
          onClose={() => setPicking(false)}
        />
      ) : null}
    </div>
  );
};

/** Live spans as choices; what was dragged over or gone back to is said beside them. */
const RangeBar = ({
  window,
  onChange,
}: {
  readonly window: ChartWindow;
  readonly onChange: (window: ChartWindow) => void;
}) => {
  const { clock } = useApp();
  const now = () => clock.now();
  const chosen = spans.find(({ spanMs }) => window.kind === 'live' && window.spanMs === spanMs);
  const { from, to } = boundsOf(window, now());
  return (
    <div className="range-bar">
      <Segmented
        label="How far back the charts go"
        value={chosen?.label ?? ''}
        onChange={(label) => {
          const span = spans.find((entry) => entry.label === label);
          if (span) onChange({ kind: 'live', spanMs: span.spanMs });
        }}
        options={spans.map(({ label }) => ({ value: label, label }))}
      />
      <div className="bar">
        <IconButton icon="back" label="Earlier" onClick={() => onChange(pan(window, now(), -0.5))} />
        <IconButton
          icon="next"
          label="Later"
          disabled={window.kind === 'live'}
          onClick={() => onChange(pan(window, now(), 0.5))}
        />
        <IconButton
          icon="zoom"
          label="Zoom in"
          onClick={() => {
            const quarter = (to - from) / 4;
            onChange(
              window.kind === 'live'
                ? { kind: 'live', spanMs: Math.max(10_000, (to - from) / 2) }
                : select(from + quarter, to - quarter, now()),
            );
          }}
        />
        <IconButton icon="fit" label="Zoom out" onClick={() => onChange(zoomOut(window, now()))} />
        {window.kind === 'fixed' ? (
          <Button icon="play" onClick={() => onChange({ kind: 'live', spanMs: to - from })}>
            Back to live
          </Button>
        ) : null}
      </div>
      <p className="small quiet" role="status">
        {window.kind === 'live'
          ? `Live, the last ${formatSpan(window.spanMs)}. Drag over a chart to look closer.`
          : `${formatDateTime(from)} to ${formatDateTime(to)}`}
      </p>
    </div>
  );
};

const CsvButton = ({ keys, window }: { readonly keys: readonly string[]; readonly window: ChartWindow }) => {
  const { commands, clock, timers } = useApp();
  const notify = useNotify();
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    const { from, to } = boundsOf(window, clock.now());
    const file = await attempt(() => commands.exportCsv(keys, from, to));
    setBusy(false);
    if (file.ok) saveBytes(timers, file.value);
    else notify({ text: file.error, tone: 'bad' });
  };
  return (
    <Button icon="download" onClick={() => void save()} disabled={busy}>
      {busy ? 'Writing…' : 'CSV of what is shown'}
    </Button>
  );
};
