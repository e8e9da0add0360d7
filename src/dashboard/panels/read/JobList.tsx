import { useState } from 'react';
import type { JobView } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNavigate } from '../../hooks/useNavigation.ts';
import { useNow } from '../../hooks/useNow.ts';
import { useRemovals } from '../../hooks/useRemovals.ts';
import { Button, IconButton } from '../../kit/Button.tsx';
import { formatAgo, formatCount } from '../../kit/format.ts';
import { ShareMeter } from '../../kit/Meter.tsx';
import { Countdown } from './Countdown.tsx';
import { isActive, jobInWords, jobTitle } from './jobWords.ts';
import { PageThumb } from './PageThumb.tsx';

const pageSize = 20;

export const JobList = () => {
  const { models } = useApp();
  const { removed } = useRemovals();
  const { wall } = useNow(10_000);
  const [limit, setLimit] = useState(pageSize);
  const jobs = useStore(models.jobs)
    .filter((job) => !removed.has(job.id))
    .sort((a, b) => b.createdAt - a.createdAt);
  if (jobs.length === 0)
    return (
      <p className="jobs jobs-none quiet">
        What you read will be listed here, kept on this device, and found again after a reload.
      </p>
    );
  return (
    <section className="jobs" aria-labelledby="jobs-title">
      <h2 id="jobs-title">Your jobs</h2>
      <ul className="job-list">
        {jobs.slice(0, limit).map((job) => (
          <JobRow key={job.id} job={job} now={wall} />
        ))}
      </ul>
      {jobs.length > limit ? (
        <Button look="plain" onClick={() => setLimit(limit + pageSize)}>
          Show {Math.min(pageSize, jobs.length - limit)} more
        </Button>
      ) : null}
    </section>
  );
};

const JobRow = ({ job, now }: { readonly job: JobView; readonly now: number }) => {
  const { go } = useNavigate();
  const { remove } = useRemovals();
  const title = jobTitle(job);
  const first = job.pages[0];
  return (
    <li className="job-row" data-phase={job.state.phase}>
      <button
        type="button"
        className="job-open"
        aria-label={`${title}, ${jobInWords(job)}`}
        onClick={() => go({ screen: 'read', item: job.id })}
      >
        {first ? <PageThumb job={job.id} page={first} /> : null}
        <span className="job-words">
          <span className="job-name clip">{title}</span>
          <span className="quiet small">
            {jobInWords(job)}
            {job.state.phase === 'waiting' ? <Countdown at={job.state.retryAt} /> : null}
          </span>
          {isActive(job) ? <JobMeter job={job} slim /> : null}
        </span>
        <span className="job-age quiet small">
          {formatCount(job.pages.length, 'page')}
          <br />
          {formatAgo(now - job.createdAt)}
        </span>
      </button>
      {isActive(job) ? null : (
        <IconButton icon="trash" label={`Delete ${title}`} onClick={() => remove(job.id, title)} />
      )}
    </li>
  );
};

export const JobMeter = ({ job, slim = false }: { readonly job: JobView; readonly slim?: boolean }) => (
  <ShareMeter
    label={`Progress of ${jobTitle(job)}`}
    segments={job.workers.map(({ peer, name, tasks }) => ({ peer, name, value: tasks }))}
    // A finished job is whole, however many of its tasks turned out not to be needed.
    total={job.state.phase === 'done' ? 0 : job.tasksTotal}
    text={jobInWords(job)}
    slim={slim}
  />
);
