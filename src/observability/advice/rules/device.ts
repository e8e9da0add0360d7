import { countOf, percent, seconds } from '../words.ts';
import { confidenceOf, hour, inHour, inRecent, type Rule, recent } from './rule.ts';

const leastLongTasks = 20;

/** A page that does not answer. */
export const longTasksRule: Rule = (signals) => {
  const busy = signals.distribution('long_task_seconds', hour);
  const p95 = busy?.quantile(0.95);
  if (!busy || p95 === undefined || busy.count < leastLongTasks || p95 < 0.2) return [];
  return [
    {
      id: 'long-tasks',
      title: 'The page is often too busy to answer',
      action: 'Close panels with live charts that nobody looks at, shorten their range, or lend fewer cores.',
      evidence: [
        `${countOf(busy.count, 'time')} ${inHour} the page was busy at a stretch, ${seconds(p95)} or longer in the worst 5 %.`,
      ],
      expectedGain: `Up to ${seconds(busy.sum)} an hour (${percent(Math.min(1, busy.sum / 3_600))} of the time) in which the page answers again.`,
      confidence: confidenceOf(busy.count, leastLongTasks),
    },
  ];
};

/** Labels with more values than are kept. */
export const cardinalityRule: Rule = (signals) => {
  const dropped = signals.increase(
    'telemetry_dropped_total',
    recent,
    ({ reason }) => reason === 'cardinality',
  );
  if (dropped < 1_000) return [];
  return [
    {
      id: 'cardinality',
      title: 'A label has more values than are kept',
      action: 'Look for series named “other”: their label is made of ids. Leave it out where it is measured.',
      evidence: [`${countOf(dropped, 'sample')} ${dropped === 1 ? 'was' : 'were'} put together ${inRecent}.`],
      expectedGain: `${countOf(dropped, 'sample')} in 6 hours that can be told apart again.`,
      confidence: confidenceOf(dropped, 1_000),
    },
  ];
};
