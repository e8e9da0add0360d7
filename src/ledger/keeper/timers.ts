import type { Step } from '../agreement/index.ts';
import type { KeeperOptions } from './types.ts';

/** Names of a keeper's timers. One of a height that is over rings in vain. */
export const workTimer = 'work';
export const epochTimer = 'epoch';
export const resendTimer = 'resend';
export const graceTimer = 'grace';

export const agreementTimer = (height: number, round: number, step: Step): string =>
  `agree/${height}/${round}/${step}`;

export const readAgreementTimer = (
  name: string,
): { readonly height: number; readonly round: number; readonly step: Step } | undefined => {
  const [, height, round, step] = pattern.exec(name) ?? [];
  return isStep(step) ? { height: Number(height), round: Number(round), step } : undefined;
};

/** Grows with the round, so that some round outlasts any delay. */
export const timeoutMs = ({ timeouts }: Pick<KeeperOptions, 'timeouts'>, round: number): number =>
  Math.min(timeouts.mostMs, timeouts.firstMs + round * timeouts.growthMs);

const pattern = /^agree\/(\d{1,16})\/(\d{1,16})\/(propose|prevote|precommit)$/;
const isStep = (text: string | undefined): text is Step =>
  text === 'propose' || text === 'prevote' || text === 'precommit';
