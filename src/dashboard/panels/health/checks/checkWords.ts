import type { HealthReport } from '../../../../app/telemetryView.ts';
import { asSentence, formatCount } from '../../../kit/format.ts';

export type Check = HealthReport['checks'][number];
export type Incident = HealthReport['incidents'][number];

/** What is wrong, in one sentence; of several things the first is named. */
export const healthInWords = ({ checks }: HealthReport): string => {
  const [first] = sortChecks(checks);
  if (!first) return 'The first checks are running.';
  const bad = checks.filter((check) => check.state === 'bad').length;
  if (bad > 1) return `${bad} things need attention, ${first.title.toLocaleLowerCase('en')} first.`;
  if (bad === 1) return `${first.title} needs attention.`;
  if (first.state === 'warn') return `All works; ${first.title.toLocaleLowerCase('en')} could be better.`;
  return checks.every((check) => check.state === 'unknown')
    ? 'Nothing could be checked yet.'
    : 'All is well.';
};

const order: readonly Check['state'][] = ['bad', 'warn', 'unknown', 'ok'];

/** What is wrong first; among equals in the order of the checks. */
export const sortChecks = (checks: readonly Check[]): readonly Check[] =>
  checks.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));

/** "drop-cache" → "drop cache": actions are named by what they do. */
export const actionInWords = (id: string): string => id.replaceAll('-', ' ');

/** What is being done about a check; undefined where nothing is. Times left as milliseconds from `now`. */
export const recoveryInWords = (
  recovery: Check['recovery'],
  left: (ms: number) => string,
  now: number,
): string | undefined => {
  switch (recovery.phase) {
    case 'none':
      return undefined;
    case 'running':
      return `Mending itself: ${actionInWords(recovery.action)}…`;
    case 'verifying':
      return `Looking whether this helped: ${actionInWords(recovery.action)}…`;
    case 'cooling':
      return `Tried: ${actionInWords(recovery.action)}. Waits ${left(recovery.until - now)} before it tries again.`;
    case 'given-up':
      return `Tried ${recovery.attempts} times without success; tries again in ${left(recovery.until - now)}. You can try now.`;
    default:
      return recovery satisfies never;
  }
};

/** What was done in an incident, and what of it helped. */
export const incidentInWords = ({ actions, endedAt }: Incident): string => {
  const helped = actions.find((action) => action.helped);
  if (helped) return `Helped: ${actionInWords(helped.id)}.`;
  if (actions.length > 0)
    return asSentence(
      `${formatCount(actions.length, 'attempt')} (${[...new Set(actions.map(({ id }) => actionInWords(id)))].join(', ')})${endedAt === undefined ? '' : '; it passed by itself'}`,
    );
  return endedAt === undefined ? 'Nothing was tried yet.' : 'It passed by itself.';
};
