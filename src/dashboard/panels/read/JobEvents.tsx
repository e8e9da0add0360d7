import { useState } from 'react';
import type { JobView } from '../../../app/readModels.ts';
import { Button } from '../../kit/Button.tsx';
import { formatClockTime } from '../../kit/format.ts';

const shownAtFirst = 12;

/** What happened, in words, newest first. */
export const JobEvents = ({ job }: { readonly job: JobView }) => {
  const [all, setAll] = useState(false);
  const events = job.events.toReversed();
  const shown = all ? events.slice(0, 500) : events.slice(0, shownAtFirst);
  return (
    <section className="section" aria-labelledby="events-title">
      <h2 id="events-title">What happened</h2>
      <ol className="timeline">
        {shown.map((event, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: events carry no id; older ones never change
          <li key={events.length - index}>
            <time className="quiet" dateTime={new Date(event.at).toISOString()}>
              {formatClockTime(event.at)}
            </time>
            <span>{event.text}</span>
          </li>
        ))}
      </ol>
      {events.length > shown.length && !all ? (
        <Button look="plain" onClick={() => setAll(true)}>
          Show all {events.length}
        </Button>
      ) : null}
    </section>
  );
};
