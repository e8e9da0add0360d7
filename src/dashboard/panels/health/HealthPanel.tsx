import { useMemo } from 'react';
import type { HealthCheck, SeriesView } from '../../../app/readModels.ts';
import { TimeChart } from '../../charts/TimeChart.tsx';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Facts } from '../../kit/Facts.tsx';
import { formatBytes, formatCount, formatDuration, formatInteger } from '../../kit/format.ts';
import { Icon, type IconName } from '../../kit/Icon.tsx';
import { Empty } from '../../kit/Notice.tsx';
import { LogSection } from './LogSection.tsx';
import '../../kit/checks.css';
import './health.css';

export const HealthPanel = () => {
  const { models } = useApp();
  const checks = useStore(models.health);
  return (
    <div className="screen">
      <header className="screen-head">
        <div>
          <h1>Health</h1>
          <p role="status">{healthInWords(checks)}</p>
        </div>
      </header>
      <div className="columns">
        <section className="section" aria-labelledby="checks-title">
          <h2 id="checks-title">Checks</h2>
          <ul className="checks">
            {checks.map((check) => (
              <Check key={check.id} check={check} />
            ))}
          </ul>
        </section>
        <Counters />
      </div>
      <Charts />
      <LogSection />
    </div>
  );
};

const healthInWords = (checks: readonly HealthCheck[]): string => {
  const bad = checks.filter((check) => check.state === 'bad').length;
  const warn = checks.filter((check) => check.state === 'warn').length;
  if (checks.length === 0) return 'The first checks are running.';
  if (bad > 0) return `${bad === 1 ? 'One thing needs' : `${bad} things need`} attention.`;
  if (warn > 0) return 'All works; something could be better.';
  return 'All is well.';
};

const checkIcons: Record<HealthCheck['state'], IconName> = {
  ok: 'check',
  warn: 'warn',
  bad: 'bad',
  unknown: 'unknown',
};
const checkWords: Record<HealthCheck['state'], string> = {
  ok: 'fine',
  warn: 'could be better',
  bad: 'needs attention',
  unknown: 'unknown',
};

const Check = ({ check }: { readonly check: HealthCheck }) => (
  <li className={`check check-${check.state}`}>
    <Icon name={checkIcons[check.state]} />
    <div>
      <h3>
        {check.title} <span className="unseen">: {checkWords[check.state]}</span>
      </h3>
      <p className="quiet">{check.message}</p>
    </div>
  </li>
);

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

const rate = (value: number) => `${formatBytes(value)}/s`;

const Charts = () => {
  const { models } = useApp();
  const series = useStore(models.series);
  const lines = useMemo(() => chartLines(series), [series]);
  return (
    <section className="section" aria-labelledby="charts-title">
      <h2 id="charts-title">The last ten minutes</h2>
      {series.time.length < 2 ? (
        <Empty title="Nothing measured yet">The curves begin a few seconds after the tab opened.</Empty>
      ) : (
        <div className="charts">
          <TimeChart title="Lines per minute" time={series.time} lines={lines.lines} format={formatInteger} />
          <TimeChart title="Traffic" time={series.time} lines={lines.traffic} format={rate} />
          <TimeChart
            title="Devices and tasks"
            time={series.time}
            lines={lines.peers}
            format={formatInteger}
          />
          <TimeChart title="Round trip" time={series.time} lines={lines.rtt} format={formatDuration} />
        </div>
      )}
    </section>
  );
};

const chartLines = ({ columns }: SeriesView) => ({
  lines: [{ label: 'Lines per minute', values: columns.linesPerMinute, colour: '--accent' }],
  traffic: [
    { label: 'In', values: columns.bytesInPerSecond, colour: '--accent' },
    { label: 'Out', values: columns.bytesOutPerSecond, colour: '--ink-2', dashed: true },
  ],
  peers: [
    { label: 'Devices', values: columns.peers, colour: '--accent', stepped: true },
    { label: 'Tasks', values: columns.tasksRunning, colour: '--ink-2', dashed: true },
  ],
  rtt: [{ label: 'Round trip', values: columns.rttMs, colour: '--accent' }],
});
