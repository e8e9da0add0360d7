import { describe, expect, it } from 'vitest';
import { readConfig } from '../config.ts';

const read = (environment: Readonly<Record<string, string>>) => {
  const config = readConfig(environment, []);
  if (!config.ok) return config.error;
  return config.value === 'help' ? [] : config.value.alerts;
};
const mail = {
  AIVILLAGE_ALERT_EMAIL: 'a@village.example, Bo <b@village.example>',
  AIVILLAGE_ALERT_FROM: 'AIVillage <alerts@village.example>',
  AIVILLAGE_SMTP_URL: 'smtps://user:p%40ss@mail.example',
};

describe('the configuration of alerts', () => {
  it('is nothing by default, and each channel by itself', () => {
    expect(read({})).toEqual({ webhook: undefined, slack: undefined, email: undefined });
    expect(read({ AIVILLAGE_ALERT_SLACK: 'https://hooks.slack.example/x', ...mail })).toEqual({
      webhook: undefined,
      slack: 'https://hooks.slack.example/x',
      email: {
        to: ['a@village.example', 'Bo <b@village.example>'],
        from: 'AIVillage <alerts@village.example>',
        smtpUrl: 'smtps://user:p%40ss@mail.example',
      },
    });
  });

  it.each([
    [{ AIVILLAGE_ALERT_WEBHOOK: 'ftp://s3cret' }, 'AIVILLAGE_ALERT_WEBHOOK must be an address'],
    [{ AIVILLAGE_ALERT_WEBHOOK: 'https://s3cret:x@h' }, 'must not have a user name'],
    [{ ...mail, AIVILLAGE_SMTP_URL: 'mail s3cret' }, 'AIVILLAGE_SMTP_URL must be smtp://'],
    [{ ...mail, AIVILLAGE_ALERT_FROM: 'a@b\r\nBcc: s3cret@c' }, 'AIVILLAGE_ALERT_FROM must be one address'],
    [{ AIVILLAGE_ALERT_EMAIL: 'a@village.example' }, 'need AIVILLAGE_ALERT_FROM and AIVILLAGE_SMTP_URL, too'],
  ])('names what is wrong, and shows no secret: %j', (environment, problem) => {
    const told = String(read(environment));
    expect(told).toContain(problem);
    expect(told).not.toContain('s3cret');
  });
});
