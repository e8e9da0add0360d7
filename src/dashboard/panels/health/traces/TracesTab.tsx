import { useDeferredValue, useMemo, useState } from 'react';
import type { TraceSummary } from '../../../../app/telemetryView.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { Button } from '../../../kit/Button.tsx';
import { Segmented, Switch, TextInput } from '../../../kit/Field.tsx';
import {
  formatAgo,
  formatCount,
  formatDateTime,
  formatDuration,
  formatInteger,
} from '../../../kit/format.ts';
import { Empty } from '../../../kit/Notice.tsx';
import { usePlace } from '../place.ts';
import { TraceView } from './TraceView.tsx';
import { filterTraces, type TraceFilter } from './traceList.ts';
import './traces.css';

const pageSize = 40;

export const TracesTab = () => {
  const { open } = usePlace();
  return open === undefined ? <TraceList /> : <TraceView key={open} traceId={open} />;
};

const TraceList = () => {
  const { models } = useApp();
  const { openItem, show } = usePlace();
  const traces = useStore(models.telemetry.traces);
  const settings = useStore(models.telemetry.settings);
  const [filter, setFilter] = useState<TraceFilter>({ text: '', failedOnly: false, order: 'newest' });
  const [limit, setLimit] = useState(pageSize);
  const wanted = useDeferredValue(filter);
  const found = useMemo(() => filterTraces(traces, wanted), [traces, wanted]);
  const { wall } = useNow(10_000);
  if (traces.length === 0)
    return settings.traces ? (
      <Empty title="No trace yet">
        Read some pages: afterwards it stands here which step took how long, and at which device.
      </Empty>
    ) : (
      <Empty
        title="Tracing is switched off"
        action={<Button onClick={() => show('reports')}>See what is measured</Button>}
      >
        Switched on, it shows which step of a job took how long, and at which device.
      </Empty>
    );
  return (
    <div className="health-tab">
      <section className="section" aria-label="Traces">
        <div className="bar trace-filters">
          <TextInput
            type="search"
            aria-label="Search traces"
            placeholder="Name, job or id"
            value={filter.text}
            onChange={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
          />
          <Segmented
            label="Order"
            value={filter.order}
            onChange={(order) => setFilter({ ...filter, order })}
            options={[
              { value: 'newest', label: 'Newest' },
              { value: 'slowest', label: 'Slowest' },
            ]}
          />
          <Switch
            label="Failed only"
            checked={filter.failedOnly}
            onChange={(failedOnly) => setFilter({ ...filter, failedOnly })}
          />
        </div>
        {found.length === 0 ? (
          <p className="quiet" role="status">
            Nothing matches: clear the search or show those that did not fail, too.
          </p>
        ) : (
          <TraceTable traces={found.slice(0, limit)} wall={wall} onOpen={(id) => openItem('traces', id)} />
        )}
        {found.length > limit ? (
          <div>
            <Button look="plain" onClick={() => setLimit(limit + pageSize)}>
              Show {Math.min(pageSize, found.length - limit)} more of {found.length - limit}
            </Button>
          </div>
        ) : null}
      </section>
    </div>
  );
};

const TraceTable = ({
  traces,
  wall,
  onOpen,
}: {
  readonly traces: readonly TraceSummary[];
  readonly wall: number;
  readonly onOpen: (id: string) => void;
}) => {
  const longest = Math.max(...traces.map(({ durationMs }) => durationMs), 1);
  return (
    <table className="table trace-table">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col" className="number">
            Took
          </th>
          <th scope="col" className="roomy" aria-label="Compared with the longest" />
          <th scope="col" className="number roomy">
            Spans
          </th>
          <th scope="col" className="number">
            When
          </th>
        </tr>
      </thead>
      <tbody>
        {traces.map((trace) => (
          <tr key={trace.traceId}>
            <td>
              <button type="button" className="row-link" onClick={() => onOpen(trace.traceId)}>
                <span className="clip">{trace.name}</span>
              </button>
              {trace.failures > 0 ? (
                <span className="badge badge-bad">{formatCount(trace.failures, 'failure')}</span>
              ) : null}
            </td>
            <td className="number">{formatDuration(trace.durationMs)}</td>
            <td className="roomy trace-share" aria-hidden="true">
              <span style={{ width: `${(trace.durationMs / longest) * 100}%` }} />
            </td>
            <td className="number roomy">{formatInteger(trace.spans)}</td>
            <td className="number quiet" title={formatDateTime(trace.startedAt)}>
              {formatAgo(wall - trace.startedAt)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};
