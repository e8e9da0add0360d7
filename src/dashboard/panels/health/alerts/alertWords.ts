import type { AlertView, Severity, Silence } from '../../../../app/telemetryView.ts';

const severities: readonly Severity[] = ['page', 'ticket', 'info'];
export const severityWords: Record<Severity, string> = {
  page: 'urgent',
  ticket: 'needs work',
  info: 'worth knowing',
};

/** What fires first, the urgent before the rest, the newest before the old; then what may fire, then what is over. */
export const sortAlerts = (alerts: readonly AlertView[]): readonly AlertView[] => {
  const states: readonly AlertView['state'][] = ['firing', 'pending', 'resolved'];
  return alerts.toSorted(
    (a, b) =>
      states.indexOf(a.state) - states.indexOf(b.state) ||
      severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
      b.startedAt - a.startedAt,
  );
};

/** The screen's own summary of its inbox. */
export const inboxInWords = (alerts: readonly AlertView[]): string => {
  const firing = alerts.filter((alert) => alert.state === 'firing').length;
  if (firing === 0) return 'Nothing fires now.';
  return firing === 1 ? 'One alert fires now.' : `${firing} alerts fire now.`;
};

export type SilenceFor = '1 h' | '8 h' | 'tomorrow' | 'own';
const hour = 3_600_000;
const morning = 8;
/** Longer would be a rule that is off, and should be switched off. */
const longestHours = 30 * 24;

/** When a silence ends; "tomorrow" is at eight in the morning of this device's clock. */
export const silenceEnd = (choice: SilenceFor, ownHours: string, now: number): number | undefined => {
  switch (choice) {
    case '1 h':
      return now + hour;
    case '8 h':
      return now + 8 * hour;
    case 'tomorrow': {
      const end = new Date(now);
      end.setDate(end.getDate() + 1);
      return end.setHours(morning, 0, 0, 0);
    }
    case 'own': {
      const hours = Number(ownHours.trim().replace(',', '.'));
      return ownHours.trim() !== '' && hours > 0 && hours <= longestHours ? now + hours * hour : undefined;
    }
    default:
      return choice satisfies never;
  }
};
export const ownSilenceError = `Write hours between 0 and ${longestHours}, like 2 or 0.5. What should never be told is switched off under Rules.`;

/** What a silence keeps quiet. */
export const silencedInWords = (
  match: Silence['match'],
  ruleTitle: (rule: string) => string | undefined,
): string => {
  if (match === 'all') return 'Everything';
  return 'rule' in match ? (ruleTitle(match.rule) ?? match.rule) : `All of ${match.group}`;
};
