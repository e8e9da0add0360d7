import { useState } from 'react';
import type { Advice } from '../../../../app/telemetryView.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { Button } from '../../../kit/Button.tsx';
import { formatAgo, formatCount, formatInteger, formatPercent } from '../../../kit/format.ts';
import { Gauge } from '../../../kit/Gauge.tsx';
import { Empty } from '../../../kit/Notice.tsx';
import { formatMeasured, formatSpan } from '../../../kit/units.ts';
import {
  budgetInWords,
  changeInWords,
  formatAvailability,
  formatGoal,
  reachedInWords,
} from './reportWords.ts';

export const AdviceSection = () => {
  const { models, commands } = useApp();
  const notify = useNotify();
  const advice = useStore(models.telemetry.advice);
  const [busy, setBusy] = useState(false);
  const { wall } = useNow(10_000);
  const refresh = async () => {
    setBusy(true);
    try {
      await commands.refreshAdvice();
    } catch {
      notify({ text: 'What was measured could not be looked through: try again.', tone: 'bad' });
    } finally {
      setBusy(false);
    }
  };
  const button = (
    <Button icon="refresh" onClick={() => void refresh()} disabled={busy}>
      {busy ? 'Looking…' : 'Look again'}
    </Button>
  );
  return (
    <section className="section" aria-labelledby="advice-title">
      <div className="section-head">
        <h2 id="advice-title">Advice</h2>
        {advice ? button : null}
      </div>
      {advice ? (
        <>
          <p className="quiet prose">
            From what was measured here, {formatAgo(wall - advice.at)}. Nothing in it is an estimate without
            its evidence.
          </p>
          <Levels levels={advice.levels} />
          <Recommendations list={advice.recommendations} />
          <div className="columns">
            <Saturations list={advice.saturation} />
            <Patterns list={advice.patterns} wall={wall} />
          </div>
        </>
      ) : (
        <Empty title="No advice yet" action={button}>
          It is drawn from what was measured: let this device work for a while.
        </Empty>
      )}
    </section>
  );
};

const Levels = ({ levels }: { readonly levels: Advice['levels'] }) => (
  <div className="levels-grid">
    {levels.map((level) => {
      const left = level.budgetLeft ?? 0;
      return (
        <div key={level.id} className="service-level">
          <h3>{level.title}</h3>
          <span className="figure-value">
            {level.availability === undefined ? '–' : formatAvailability(level.availability)}
          </span>
          <Gauge
            label={`Error budget of ${level.title}`}
            value={Math.max(0, left)}
            most={1}
            text={budgetInWords(level)}
            tone={left < 0 ? 'bad' : left < 0.25 ? 'accent' : 'good'}
          />
          <p className={left < 0 ? 'small field-error' : 'small'}>{budgetInWords(level)}.</p>
          <p className="small quiet">
            {formatInteger(level.good)} of {formatInteger(level.total)} in {formatSpan(level.windowMs)}, with
            a goal of {formatGoal(level.objective)}.
            {level.latency
              ? ` Half took up to ${formatMeasured(level.latency.p50, 'seconds')}, 99 of 100 up to ${formatMeasured(level.latency.p99, 'seconds')}.`
              : ''}
          </p>
        </div>
      );
    })}
  </div>
);

const Recommendations = ({ list }: { readonly list: Advice['recommendations'] }) => (
  <section className="section" aria-labelledby="recommended-title">
    <h3 id="recommended-title">What would help</h3>
    {list.length === 0 ? (
      <p className="quiet">Nothing that the numbers speak for.</p>
    ) : (
      <ul className="advice-list">
        {list.map((entry) => (
          <li key={entry.id}>
            <strong>{entry.title}</strong>
            <p>{entry.action}</p>
            <p className="quiet">
              Expected: {entry.expectedGain}. Evidence was there for {formatPercent(entry.confidence)} of what
              it needs.
            </p>
            <ul className="evidence">
              {entry.evidence.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    )}
  </section>
);

const Saturations = ({ list }: { readonly list: Advice['saturation'] }) => (
  <section className="section" aria-labelledby="saturation-title">
    <h3 id="saturation-title">What fills up</h3>
    {list.length === 0 ? <p className="quiet">Nothing with a limit was measured yet.</p> : null}
    <ul className="advice-list">
      {list.map((entry) => {
        const figures = `${formatMeasured(entry.now, entry.unit)} of ${formatMeasured(entry.limit, entry.unit)}`;
        return (
          <li key={entry.id}>
            <div className="check-head">
              <strong>{entry.title}</strong>
              <span className="small quiet">{figures}</span>
            </div>
            <Gauge
              label={entry.title}
              value={entry.now}
              most={entry.limit}
              text={figures}
              tone={entry.reachedAt ? 'accent' : 'plain'}
            />
            <p className="quiet">
              {reachedInWords(entry)} {entry.evidence}
            </p>
          </li>
        );
      })}
    </ul>
  </section>
);

const Patterns = ({ list, wall }: { readonly list: Advice['patterns']; readonly wall: number }) => (
  <section className="section" aria-labelledby="patterns-title">
    <h3 id="patterns-title">Errors that repeat</h3>
    {list.length === 0 ? <p className="quiet">None was logged.</p> : null}
    <ul className="advice-list">
      {list.map((entry) => (
        <li key={`${entry.component} ${entry.pattern}`}>
          <div className="check-head">
            <strong>{entry.pattern}</strong>
            <span className="small quiet mono">{entry.component}</span>
          </div>
          <p className="quiet">
            {formatCount(entry.count, 'time')}, the last {formatAgo(wall - entry.lastAt)};{' '}
            {changeInWords(entry.change)}. Last one: “{entry.example}”
          </p>
        </li>
      ))}
    </ul>
  </section>
);
