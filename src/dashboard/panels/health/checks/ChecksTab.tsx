import { useState } from 'react';
import { attempt } from '../../../hooks/attempt.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { Button } from '../../../kit/Button.tsx';
import { Facts, Figure } from '../../../kit/Facts.tsx';
import {
  asSentence,
  formatAgo,
  formatCount,
  formatDateTime,
  formatDuration,
  formatInteger,
  formatRemaining,
} from '../../../kit/format.ts';
import { Icon, type IconName } from '../../../kit/Icon.tsx';
import { Empty } from '../../../kit/Notice.tsx';
import { type Check, type Incident, incidentInWords, recoveryInWords, sortChecks } from './checkWords.ts';
import '../../../kit/checks.css';

const shownIncidents = 6;

export const ChecksTab = () => {
  const { models, commands } = useApp();
  const report = useStore(models.telemetry.health);
  const [running, setRunning] = useState(false);
  const { wall } = useNow(1_000);
  const runAll = async () => {
    setRunning(true);
    await commands.runHealthChecks().finally(() => setRunning(false));
  };
  const titles = new Map(report.checks.map(({ id, title }) => [id, title]));
  return (
    <div className="health-tab">
      <div className="columns">
        <section className="section" aria-labelledby="checks-title">
          <div className="section-head">
            <h2 id="checks-title">Checks</h2>
            <Button icon="refresh" onClick={() => void runAll()} disabled={running}>
              {running ? 'Checking…' : 'Check now'}
            </Button>
          </div>
          {report.checks.length === 0 ? (
            <Empty title="Nothing was checked yet">
              The first checks run a few seconds after the tab opened.
            </Empty>
          ) : (
            <ul className="checks">
              {sortChecks(report.checks).map((check) => (
                <CheckRow key={check.id} check={check} titles={titles} wall={wall} />
              ))}
            </ul>
          )}
        </section>
        <div className="health-tab">
          <Incidents incidents={report.incidents} mttrMs={report.mttrMs} titles={titles} wall={wall} />
          <Counters />
        </div>
      </div>
    </div>
  );
};

const checkIcons: Record<Check['state'], IconName> = {
  ok: 'check',
  warn: 'warn',
  bad: 'bad',
  unknown: 'unknown',
};
const checkWords: Record<Check['state'], string> = {
  ok: 'fine',
  warn: 'could be better',
  bad: 'needs attention',
  unknown: 'unknown',
};

const CheckRow = ({
  check,
  titles,
  wall,
}: {
  readonly check: Check;
  readonly titles: ReadonlyMap<string, string>;
  readonly wall: number;
}) => {
  const doing = recoveryInWords(check.recovery, formatRemaining, wall);
  const wrong = check.state === 'bad' || check.state === 'warn';
  return (
    <li className={`check check-${check.state}`}>
      <Icon name={checkIcons[check.state]} />
      <div>
        <div className="check-head">
          <h3>
            {check.title} <span className="unseen">: {checkWords[check.state]}</span>
          </h3>
          <span className="small quiet" title={`Since ${formatDateTime(check.since)}`}>
            {sinceInWords(wall - check.since)}
          </span>
        </div>
        <p className="quiet">{check.message}</p>
        {check.because === undefined ? null : (
          <p className="quiet">
            Says nothing while this is not well: {titles.get(check.because) ?? check.because}.
          </p>
        )}
        {doing ? <p className="check-doing">{doing}</p> : null}
        {wrong && check.mendable && check.because === undefined ? <MendButton check={check} /> : null}
      </div>
    </li>
  );
};

const sinceInWords = (ms: number): string => (ms < 10_000 ? 'since just now' : `for ${formatRemaining(ms)}`);

const MendButton = ({ check }: { readonly check: Check }) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [busy, setBusy] = useState(false);
  const { phase } = check.recovery;
  const mend = async () => {
    setBusy(true);
    const result = await attempt(() => commands.recover(check.id));
    setBusy(false);
    notify(
      result.ok
        ? { text: `${check.title}: done. The next check says whether it helped.` }
        : { text: `${check.title}: ${asSentence(result.error)}`, tone: 'bad' },
    );
  };
  return (
    <Button
      className="check-mend"
      disabled={busy || phase === 'running' || phase === 'verifying'}
      onClick={() => void mend()}
    >
      {busy ? 'Trying…' : 'Try to mend it'}
    </Button>
  );
};

const Incidents = ({
  incidents,
  mttrMs,
  titles,
  wall,
}: {
  readonly incidents: readonly Incident[];
  readonly mttrMs: number | undefined;
  readonly titles: ReadonlyMap<string, string>;
  readonly wall: number;
}) => {
  const [all, setAll] = useState(false);
  return (
    <section className="section" aria-labelledby="incidents-title">
      <h2 id="incidents-title">What went wrong</h2>
      {incidents.length === 0 ? (
        <p className="quiet">Nothing since this device keeps count.</p>
      ) : (
        <>
          <Figure
            label="Until it was well again, in the mean"
            value={mttrMs === undefined ? '–' : formatDuration(mttrMs)}
          />
          <ol className="incidents">
            {incidents.slice(0, all ? incidents.length : shownIncidents).map((incident) => (
              <li key={`${incident.check} ${incident.startedAt}`}>
                <div className="check-head">
                  <strong>{titles.get(incident.check) ?? incident.check}</strong>
                  <time className="small quiet" dateTime={new Date(incident.startedAt).toISOString()}>
                    {formatAgo(wall - incident.startedAt)}
                  </time>
                </div>
                <p className="quiet">
                  {incident.endedAt === undefined
                    ? `Goes on for ${formatRemaining(wall - incident.startedAt)}.`
                    : `Took ${formatDuration(incident.endedAt - incident.startedAt)}.`}{' '}
                  {incident.message} {incidentInWords(incident)}
                </p>
              </li>
            ))}
          </ol>
          {incidents.length > shownIncidents && !all ? (
            <div>
              <Button look="plain" onClick={() => setAll(true)}>
                Show all {incidents.length}
              </Button>
            </div>
          ) : null}
        </>
      )}
    </section>
  );
};

const Counters = () => {
  const { models } = useApp();
  const metrics = useStore(models.metrics);
  return (
    <section className="section" aria-labelledby="counters-title">
      <h2 id="counters-title">Since this tab opened</h2>
      <Facts
        facts={[
          { term: 'Devices', value: `${metrics.nodes}, of which ${metrics.openNodes} accept work` },
          {
            term: 'Running',
            value: `${formatCount(metrics.jobsRunning, 'job')}, ${formatCount(metrics.tasksRunning, 'task')}`,
          },
          { term: 'Tasks done', value: formatInteger(metrics.tasksDone) },
          { term: 'Done for others', value: formatInteger(metrics.servedForOthers) },
          {
            term: 'Given again',
            value: formatInteger(metrics.tasksReassigned),
            hint: 'Their device fell silent or failed',
          },
          { term: 'Given twice', value: formatInteger(metrics.tasksHedged), hint: 'The first one was slow' },
          {
            term: 'Rechecked',
            value: `${formatInteger(metrics.checksMade)}, ${formatInteger(metrics.checksFailed)} wrong`,
            hint: 'Recomputed on another device',
          },
        ]}
      />
    </section>
  );
};
