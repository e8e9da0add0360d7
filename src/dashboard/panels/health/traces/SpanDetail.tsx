import { type Fact, Facts } from '../../../kit/Facts.tsx';
import { formatDateTime, formatDuration } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { type DrawnRow, whereInWords } from './waterfall.ts';

/** Everything that is known of one span. */
export const SpanDetail = ({ drawn: { row, shifted } }: { readonly drawn: DrawnRow }) => {
  const { span } = row;
  const fields = Object.entries(span.fields).flatMap(([term, value]): readonly Fact[] =>
    value === undefined ? [] : [{ term, value: <span className="mono">{String(value)}</span> }],
  );
  return (
    <section className="span-detail" aria-label={`Details of ${span.name}`}>
      <h3>{span.name}</h3>
      {span.failure ? <Notice tone="bad" title={span.failure} /> : null}
      <Facts
        facts={[
          {
            term: 'Took',
            value: span.endedAt === undefined ? 'runs still' : formatDuration(row.durationMs),
            hint: `${formatDuration(row.selfMs)} of it itself, the rest in what it called`,
          },
          { term: 'Began', value: `after ${signed(row.offsetMs)}`, hint: formatDateTime(span.startedAt) },
          {
            term: 'Where',
            value: whereInWords(span),
            hint: shifted ? 'Its clock does not agree with its caller’s' : undefined,
          },
          ...(row.critical ? [{ term: 'Weight', value: 'decided how long the whole took' }] : []),
          ...(row.orphan ? [{ term: 'Called by', value: 'what is not known here' }] : []),
          { term: 'Span', value: <span className="mono">{span.context.spanId}</span> },
          ...fields,
        ]}
      />
      {span.events.length > 0 ? (
        <>
          <h3>Events</h3>
          <ol className="span-events">
            {span.events.map((event) => (
              <li key={`${event.at} ${event.name}`}>
                <span className="quiet">{signed(event.at - span.startedAt)}</span>
                <span>
                  {event.name}{' '}
                  <span className="quiet mono">
                    {Object.entries(event.fields)
                      .filter(([, value]) => value !== undefined)
                      .map(([key, value]) => `${key}=${value}`)
                      .join(' ')}
                  </span>
                </span>
              </li>
            ))}
          </ol>
        </>
      ) : null}
    </section>
  );
};

const signed = (ms: number): string => (ms < 0 ? `−${formatDuration(-ms)}` : formatDuration(ms));
