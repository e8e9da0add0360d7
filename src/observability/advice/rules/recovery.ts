import type { Incident } from '../../health/types.ts';
import type { Recommendation } from '../types.ts';
import { countOf, number, quoted, seconds } from '../words.ts';
import { confidenceOf, hour, type Rule } from './rule.ts';

const day = 24 * hour;
const leastTries = 3;
const leastIncidents = 5;

/** Components that fail again and again, and actions that don't help them. */
export const recoveryRule: Rule = ({ now }, health) => {
  if (!health) return [];
  const incidents = health.incidents.filter(({ startedAt }) => startedAt <= now && now - startedAt < day);
  const checks = [...new Set(incidents.map(({ check }) => check))];
  return checks.flatMap((check) => {
    const own = incidents.filter((incident) => incident.check === check);
    const title = health.checks.find(({ id }) => id === check)?.title ?? check;
    return [...flapping(check, title, own, now), ...uselessActions(check, title, own)];
  });
};

const flapping = (
  check: string,
  title: string,
  incidents: readonly Incident[],
  now: number,
): readonly Recommendation[] => {
  if (incidents.length < leastIncidents) return [];
  const lasted = incidents.reduce(
    (sum, { startedAt, endedAt = now }) => sum + Math.max(0, endedAt - startedAt),
    0,
  );
  return [
    {
      id: `flapping:${check}`,
      title: `${quoted(title)} fails again and again`,
      action: 'Recovering does not remove the cause: read the log of its component around the last incident.',
      evidence: [
        `It failed ${countOf(incidents.length, 'time')} in 24 hours, for ${seconds(lasted / 1_000)} together.`,
      ],
      expectedGain: `Up to ${seconds(lasted / 1_000)} a day in which it works.`,
      confidence: confidenceOf(incidents.length, leastIncidents),
    },
  ];
};

const uselessActions = (check: string, title: string, incidents: readonly Incident[]): Recommendation[] => {
  const actions = incidents.flatMap((incident) => incident.actions.map((action) => ({ incident, action })));
  return [...new Set(actions.map(({ action }) => action.id))].flatMap((id) => {
    const tries = actions.filter(({ action }) => action.id === id);
    const helped = tries.filter(({ action }) => action.helped).length;
    if (tries.length < leastTries || helped / tries.length > 1 / 3) return [];
    return [
      {
        id: `useless:${check}:${id}`,
        title: `${quoted(id)} seldom helps ${quoted(title)}`,
        action: 'Its cause is elsewhere: do by hand what the check’s message says.',
        evidence: [
          `It was tried ${countOf(tries.length, 'time')} in 24 hours and helped ${number(helped)} of them.`,
        ],
        expectedGain: `${countOf(tries.length - helped, 'interruption')} a day less.`,
        confidence: confidenceOf(tries.length, leastTries),
      },
    ];
  });
};
