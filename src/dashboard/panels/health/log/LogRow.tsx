import type { LogEntry } from '../../../../app/telemetryView.ts';
import { Facts } from '../../../kit/Facts.tsx';
import { formatClockTime, formatDateTime } from '../../../kit/format.ts';
import { usePlace } from '../place.ts';
import { fieldsText } from './logQuery.ts';

/** One entry in a line; opened it shows its fields, and the way to its trace. */
export const LogRow = ({
  entry,
  open,
  onToggle,
}: {
  readonly entry: LogEntry;
  readonly open: boolean;
  readonly onToggle: () => void;
}) => {
  const { openItem } = usePlace();
  const { traceId } = entry;
  const fields = Object.entries(entry.fields).flatMap(([term, value]) =>
    value === undefined ? [] : [{ term, value: String(value) }],
  );
  return (
    <li data-level={entry.level} data-open={open ? '' : undefined}>
      <button type="button" className="log-line" aria-expanded={open} onClick={onToggle}>
        <time dateTime={new Date(entry.at).toISOString()}>{formatClockTime(entry.at)}</time>
        <span className="log-level">{entry.level}</span>
        <span className="log-component">{entry.component}</span>
        <span className="log-message">
          {entry.message} <span className="log-fields">{open ? '' : fieldsText(entry)}</span>
        </span>
      </button>
      {open ? (
        <div className="log-detail">
          <Facts
            facts={[
              { term: 'When', value: formatDateTime(entry.at) },
              ...fields,
              ...(traceId === undefined
                ? []
                : [
                    {
                      term: 'Trace',
                      value: (
                        <button
                          type="button"
                          className="text-link"
                          onClick={() => openItem('traces', traceId)}
                        >
                          {traceId}
                        </button>
                      ),
                    },
                  ]),
            ]}
          />
        </div>
      ) : null}
    </li>
  );
};
