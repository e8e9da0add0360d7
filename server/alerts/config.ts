import * as v from 'valibot';

/** Where this host tells alerts. Addresses of webhooks and of the mail server are secrets: never logged, never answered. */
export type AlertConfig = {
  readonly webhook: string | undefined;
  readonly slack: string | undefined;
  readonly email:
    | { readonly to: readonly string[]; readonly from: string; readonly smtpUrl: string }
    | undefined;
};
export const noAlertChannels: AlertConfig = { webhook: undefined, slack: undefined, email: undefined };

const hasProtocol = (text: string, protocols: readonly string[]): boolean => {
  try {
    const { protocol, hostname, username, password } = new URL(text);
    decodeURIComponent(username + password); // throws on a lone %
    return protocols.includes(protocol) && hostname !== '';
  } catch {
    return false;
  }
};
/** One mailbox, by itself or after a name: none of it can begin another header or another recipient. */
const mailbox = /^(?:[^<>",;:\r\n@]{1,100} )?<?[^\s<>",;:@]{1,64}@[^\s<>",;:@]{1,255}>?$/;

const webhookUrl = v.pipe(
  v.string(),
  v.check(
    (text) => hasProtocol(text, ['http:', 'https:']),
    'must be an address that begins with https:// (or http://)',
  ),
  v.check(
    (text) => !URL.canParse(text) || new URL(text).username === '',
    'must not have a user name in it: put secrets in the path or the query',
  ),
);

export const alertVariables = {
  AIVILLAGE_ALERT_WEBHOOK: v.optional(webhookUrl),
  AIVILLAGE_ALERT_SLACK: v.optional(webhookUrl),
  AIVILLAGE_ALERT_EMAIL: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) =>
        text
          .split(',')
          .map((each) => each.trim())
          .filter(Boolean),
      ),
      v.minLength(1, 'must be addresses like ops@village.example, with commas'),
      v.maxLength(20, 'must be at most 20 addresses'),
      v.check(
        (all) => all.every((each) => mailbox.test(each)),
        'must be addresses like ops@village.example, with commas',
      ),
    ),
  ),
  AIVILLAGE_ALERT_FROM: v.optional(
    v.pipe(v.string(), v.regex(mailbox, 'must be one address, like AIVillage <alerts@village.example>')),
  ),
  AIVILLAGE_SMTP_URL: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (text) => hasProtocol(text, ['smtp:', 'smtps:']),
        'must be smtp://user:password@host:587 or smtps://user:password@host',
      ),
    ),
  ),
} as const;

const schema = v.object(alertVariables);
type AlertVariables = v.InferOutput<typeof schema>;

/** What goes only together, of the raw environment. */
export const alertProblems = (
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] => {
  const mail = ['AIVILLAGE_ALERT_EMAIL', 'AIVILLAGE_ALERT_FROM', 'AIVILLAGE_SMTP_URL'];
  const missing = mail.filter((name) => !environment[name]);
  return missing.length === 0 || missing.length === mail.length
    ? []
    : [`alerts by e-mail need ${missing.join(' and ')}, too`];
};

export const alertConfig = ({
  AIVILLAGE_ALERT_WEBHOOK: webhook,
  AIVILLAGE_ALERT_SLACK: slack,
  AIVILLAGE_ALERT_EMAIL: to,
  AIVILLAGE_ALERT_FROM: from,
  AIVILLAGE_SMTP_URL: smtpUrl,
}: AlertVariables): AlertConfig => ({
  webhook,
  slack,
  email: to && from && smtpUrl ? { to, from, smtpUrl } : undefined,
});

export const alertUsage = `  AIVILLAGE_ALERT_WEBHOOK, AIVILLAGE_ALERT_SLACK
                       addresses to which this host posts the alerts of its tabs: JSON, or a message for Slack
  AIVILLAGE_ALERT_EMAIL, AIVILLAGE_ALERT_FROM, AIVILLAGE_SMTP_URL
                       who gets alerts by e-mail (with commas), from whom, and by which server:
                       smtps://user:password@host, or smtp://host:587 with STARTTLS`;
