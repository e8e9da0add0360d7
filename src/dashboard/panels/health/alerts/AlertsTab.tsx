import { useEffect, useState } from 'react';
import type { AlertView } from '../../../../app/telemetryView.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { Button } from '../../../kit/Button.tsx';
import { formatAgo, formatDateTime, formatRemaining } from '../../../kit/format.ts';
import { Empty } from '../../../kit/Notice.tsx';
import { usePlace } from '../place.ts';
import { inboxInWords, severityWords, silencedInWords, sortAlerts } from './alertWords.ts';
import { ChannelsSection } from './ChannelsSection.tsx';
import { RulesSection } from './RulesSection.tsx';
import { Runbook } from './Runbook.tsx';
import { SilenceDialog } from './SilenceDialog.tsx';
import './alerts.css';

const shownResolved = 5;

export const AlertsTab = () => {
  const { models, commands } = useApp();
  const alerts = sortAlerts(useStore(models.telemetry.alerts));
  const [silencing, setSilencing] = useState<AlertView | 'all'>();
  const [all, setAll] = useState(false);
  const { wall } = useNow(5_000);
  const active = alerts.filter(({ state }) => state !== 'resolved');
  const resolved = alerts.filter(({ state }) => state === 'resolved');
  // Whoever leaves the inbox has seen what was in it.
  useEffect(() => () => commands.markAlertsSeen(), [commands]);
  const item = (alert: AlertView) => (
    <AlertItem key={alert.id} alert={alert} wall={wall} onSilence={() => setSilencing(alert)} />
  );
  return (
    <div className="health-tab">
      <section className="section" aria-labelledby="inbox-title">
        <div className="section-head">
          <h2 id="inbox-title">Inbox</h2>
          <div className="bar">
            {alerts.some(({ seen }) => !seen) ? (
              <Button look="plain" icon="check" onClick={() => commands.markAlertsSeen()}>
                All seen
              </Button>
            ) : null}
            <Button icon="pause" onClick={() => setSilencing('all')}>
              Silence all
            </Button>
          </div>
        </div>
        {active.length === 0 ? (
          <Empty title={inboxInWords(alerts)}>
            The rules below are looked at all the time. What one of them finds stands here, with what to do.
          </Empty>
        ) : (
          <>
            <p className="quiet" role="status">
              {inboxInWords(alerts)}
            </p>
            <ul className="alerts">{active.map(item)}</ul>
          </>
        )}
      </section>
      {resolved.length > 0 ? (
        <section className="section" aria-labelledby="resolved-title">
          <h2 id="resolved-title">Over</h2>
          <ul className="alerts">{resolved.slice(0, all ? resolved.length : shownResolved).map(item)}</ul>
          {resolved.length > shownResolved && !all ? (
            <div>
              <Button look="plain" onClick={() => setAll(true)}>
                Show all {resolved.length}
              </Button>
            </div>
          ) : null}
        </section>
      ) : null}
      <Silences wall={wall} />
      <div className="columns">
        <RulesSection />
        <ChannelsSection />
      </div>
      {silencing ? (
        <SilenceDialog
          alert={silencing === 'all' ? undefined : silencing}
          onClose={() => setSilencing(undefined)}
        />
      ) : null}
    </div>
  );
};

const AlertItem = ({
  alert,
  wall,
  onSilence,
}: {
  readonly alert: AlertView;
  readonly wall: number;
  readonly onSilence: () => void;
}) => {
  const { openItem } = usePlace();
  const { series } = alert;
  const silenced = alert.silencedUntil !== undefined && alert.silencedUntil > wall;
  return (
    <li className="alert" data-severity={alert.severity} data-state={alert.state}>
      <div className="check-head">
        <h3>
          {alert.seen ? null : <span className="alert-new" title="New" role="img" aria-label="New" />}
          {alert.title}
        </h3>
        <span className="alert-badges">
          <span className="badge alert-severity">{severityWords[alert.severity]}</span>
          {silenced ? <span className="badge">silenced</span> : null}
        </span>
      </div>
      <p>{alert.message}</p>
      {alert.state === 'resolved' ? null : <p className="quiet">{alert.advice}</p>}
      <div className="links">
        <span className="small quiet" title={formatDateTime(alert.startedAt)}>
          {whenInWords(alert, wall)}
        </span>
        {series === undefined ? null : (
          <button type="button" className="text-link small" onClick={() => openItem('charts', series)}>
            Show in Charts
          </button>
        )}
        <Runbook link={alert.runbook} />
        {alert.state === 'resolved' ? null : (
          <button type="button" className="text-link small" onClick={onSilence}>
            {silenced ? 'Silence longer' : 'Silence'}
          </button>
        )}
      </div>
    </li>
  );
};

const whenInWords = (alert: AlertView, wall: number): string => {
  if (alert.state === 'pending')
    return `Seen for ${formatRemaining(wall - alert.startedAt)}; fires if it goes on`;
  if (alert.state === 'firing') return `For ${formatRemaining(wall - (alert.firedAt ?? alert.startedAt))}`;
  const end = alert.resolvedAt ?? alert.startedAt;
  return `Over ${formatAgo(wall - end)}, after ${formatRemaining(end - alert.startedAt)}`;
};

const Silences = ({ wall }: { readonly wall: number }) => {
  const { models, commands } = useApp();
  const rules = useStore(models.telemetry.rules);
  const silences = useStore(models.telemetry.silences).filter(({ until }) => until > wall);
  if (silences.length === 0) return null;
  const title = (id: string) => rules.find((rule) => rule.id === id)?.title;
  return (
    <section className="section" aria-labelledby="silences-title">
      <h2 id="silences-title">Silenced</h2>
      <ul className="silences">
        {silences.map((silence) => (
          <li key={silence.id}>
            <div>
              <strong>{silencedInWords(silence.match, title)}</strong>
              <span className="row-note">
                {silence.reason ? `${silence.reason} · ` : ''}until {formatDateTime(silence.until)}, in{' '}
                {formatRemaining(silence.until - wall)}
              </span>
            </div>
            <Button onClick={() => void commands.endSilence(silence.id)}>End it</Button>
          </li>
        ))}
      </ul>
    </section>
  );
};
