import { lazy, useMemo, useState } from 'react';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Notice } from '../../kit/Notice.tsx';
import { Tabs } from '../../kit/Tabs.tsx';
import { type ChartsState, firstChartsState } from './charts/chartModel.ts';
import { ChecksTab } from './checks/ChecksTab.tsx';
import { healthInWords } from './checks/checkWords.ts';
import { usePlace } from './place.ts';
import './health.css';

// What is wrong is there at once; everything else comes when it is looked at.
const ChartsTab = lazy(async () => ({ default: (await import('./charts/ChartsTab.tsx')).ChartsTab }));
const AlertsTab = lazy(async () => ({ default: (await import('./alerts/AlertsTab.tsx')).AlertsTab }));
const TracesTab = lazy(async () => ({ default: (await import('./traces/TracesTab.tsx')).TracesTab }));
const LogTab = lazy(async () => ({ default: (await import('./log/LogTab.tsx')).LogTab }));
const ReportsTab = lazy(async () => ({ default: (await import('./reports/ReportsTab.tsx')).ReportsTab }));

export const HealthPanel = () => {
  const { models, commands } = useApp();
  const { telemetry } = models;
  const report = useStore(telemetry.health);
  const analytics = useStore(telemetry.analytics);
  const unseen = useStore(telemetry.alerts).filter(({ state, seen }) => state === 'firing' && !seen).length;
  const { tab, show } = usePlace();
  const { charts: added } = useStore(telemetry.settings);
  // The range is kept while one looks elsewhere on this screen, what was added for good.
  const [view, setView] = useState<ChartsState>(firstChartsState);
  const charts = useMemo(() => ({ ...view, added }), [view, added]);
  const setCharts = (next: ChartsState) => {
    setView(next);
    if (next.added !== added) void commands.setTelemetry({ charts: next.added });
  };
  return (
    <div className="screen health">
      <header className="screen-head">
        <div>
          <h1>Health</h1>
          <p role="status">{healthInWords(report)}</p>
        </div>
        {report.checks.length > 0 ? (
          <p className="score">
            <strong>{Math.round(report.score)}</strong> of 100
          </p>
        ) : null}
      </header>
      {analytics.problem ? (
        <Notice tone="warn" title="What is measured can’t be kept.">
          {analytics.problem} Live figures go on; what was not written is lost when this tab closes.
        </Notice>
      ) : null}
      <Tabs
        label="Health"
        selected={tab}
        onSelect={show}
        tabs={[
          { key: 'checks', label: 'Health', content: <ChecksTab /> },
          { key: 'charts', label: 'Charts', content: <ChartsTab state={charts} onChange={setCharts} /> },
          { key: 'alerts', label: 'Alerts', count: unseen, content: <AlertsTab /> },
          { key: 'traces', label: 'Traces', content: <TracesTab /> },
          { key: 'log', label: 'Log', content: <LogTab /> },
          { key: 'reports', label: 'Reports', content: <ReportsTab /> },
        ]}
      />
    </div>
  );
};
