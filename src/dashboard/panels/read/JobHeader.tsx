import type { JobView } from '../../../app/readModels.ts';
import { copyText, saveFile } from '../../hooks/saveFile.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNavigate } from '../../hooks/useNavigation.ts';
import { useNotify } from '../../hooks/useNotify.ts';
import { useRemovals } from '../../hooks/useRemovals.ts';
import { Button } from '../../kit/Button.tsx';
import { asSentence, formatPercent } from '../../kit/format.ts';
import { Meter } from '../../kit/Meter.tsx';
import { Notice } from '../../kit/Notice.tsx';
import { Countdown } from './Countdown.tsx';
import { JobMeter } from './JobList.tsx';
import { isActive, jobTitle, progressInWords, progressMilestone } from './jobWords.ts';

export const JobHeader = ({ job }: { readonly job: JobView }) => {
  const { commands } = useApp();
  const { go } = useNavigate();
  const { remove } = useRemovals();
  const title = jobTitle(job);
  return (
    <header className="job-head">
      <div className="bar">
        <Button look="plain" icon="back" onClick={() => go({ screen: 'read' })}>
          All jobs
        </Button>
        <span className="grow" />
        <TraceButton job={job} />
        {isActive(job) ? (
          <Button look="danger" onClick={() => void commands.cancelJob(job.id)}>
            Cancel job
          </Button>
        ) : (
          <Button
            look="plain"
            icon="trash"
            onClick={() => {
              remove(job.id, title);
              go({ screen: 'read' });
            }}
          >
            Delete
          </Button>
        )}
      </div>
      <h1 className="clip" title={title}>
        {title}
      </h1>
      <JobMeter job={job} />
      <div className="job-legend">
        <p>{progressInWords(job)}</p>
        <span className="unseen" role="status">
          {progressMilestone(job)}
        </span>
        <div className="job-exports">
          <JobExports job={job} />
        </div>
      </div>
      <EngineLoading active={isActive(job)} />
      <JobTrouble job={job} />
    </header>
  );
};

/** To the steps of this job and what each of them took. */
const TraceButton = ({ job }: { readonly job: JobView }) => {
  const { commands } = useApp();
  const { go } = useNavigate();
  const notify = useNotify();
  const open = async () => {
    const trace = await commands.traceOfJob(job.id).catch(() => undefined);
    if (trace !== undefined) return go({ screen: 'health', item: `traces:${trace}` });
    notify({
      text: 'No trace of this job was kept. Under Health, Reports you set how many are.',
      action: { label: 'Open', run: () => go({ screen: 'health', item: 'reports' }) },
    });
  };
  return (
    <Button look="plain" icon="clock" onClick={() => void open()}>
      Where did the time go?
    </Button>
  );
};

/** The first job on a device waits for the models: said here, where the waiting happens. */
const EngineLoading = ({ active }: { readonly active: boolean }) => {
  const { models } = useApp();
  const { engine } = useStore(models.self);
  if (!active || engine.phase !== 'loading') return null;
  return (
    <div className="engine-note">
      <p className="quiet small">This device loads its reading models: {formatPercent(engine.progress)}</p>
      <Meter label="Models loaded" value={engine.progress} />
    </div>
  );
};

const JobTrouble = ({ job }: { readonly job: JobView }) => {
  const { models } = useApp();
  const peers = useStore(models.peers);
  const { go } = useNavigate();
  if (job.state.phase === 'waiting')
    return (
      <Notice
        tone="warn"
        icon="clock"
        title={asSentence(job.state.reason)}
        action={
          peers.length === 0 ? (
            <Button onClick={() => go({ screen: 'swarm' })}>Invite a device</Button>
          ) : undefined
        }
      >
        What was read is kept
        <Countdown at={job.state.retryAt} />.
      </Notice>
    );
  if (job.state.phase === 'failed')
    return (
      <Notice
        tone="bad"
        title="This job ended without a result."
        action={<Button onClick={() => go({ screen: 'health' })}>Look at health</Button>}
      >
        {asSentence(job.state.reason)}
      </Notice>
    );
  return null;
};

const JobExports = ({ job }: { readonly job: JobView }) => {
  const { commands, timers } = useApp();
  const notify = useNotify();
  const nothing = job.pages.every((page) => page.lines.length === 0);

  const copy = async () => {
    const copied = await copyText(
      commands.exportJob(job.id, 'txt').then((blob) => {
        if (!blob) throw new Error('this job is no longer stored here');
        return blob.text();
      }),
    );
    notify(
      copied
        ? { text: 'Text copied.' }
        : { text: 'The browser refused the clipboard: download the text instead.', tone: 'bad' },
    );
  };
  const download = async (format: 'txt' | 'json') => {
    const blob = await commands.exportJob(job.id, format);
    if (blob) saveFile(timers, blob, `${fileStem(job)}.${format}`);
    else notify({ text: 'This job is no longer stored here.', tone: 'bad' });
  };
  return (
    <>
      <Button icon="copy" onClick={copy} disabled={nothing}>
        Copy text
      </Button>
      <Button icon="download" onClick={() => download('txt')} disabled={nothing} aria-label="Download text">
        .txt
      </Button>
      <Button icon="download" onClick={() => download('json')} disabled={nothing} aria-label="Download JSON">
        .json
      </Button>
    </>
  );
};

const fileStem = (job: JobView): string => (job.pages[0]?.name ?? 'text').replace(/\.[^.]*$/, '') || 'text';
