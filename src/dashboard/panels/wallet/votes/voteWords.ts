import type { GovernanceAction, ParameterView, ProposalView } from '../../../../app/readModels.ts';
import { err, ok, type Result } from '../../../../core/result.ts';
import { formatInteger, formatPercent, formatVc, formatVcFigure, parseVc } from '../../../kit/format.ts';
import { readAccount, readWhole } from '../words.ts';

export type Choice = NonNullable<ProposalView['ownVote']>;
export const choices: readonly Choice[] = ['for', 'against', 'abstain'];
export const choiceInWords: Record<Choice, string> = {
  for: 'For',
  against: 'Against',
  abstain: 'Abstain',
};

export const phaseInWords: Record<ProposalView['phase'], string> = {
  draft: 'not open yet',
  voting: 'open',
  timelock: 'passed, waits',
  executed: 'carried out',
  rejected: 'rejected',
  failed: 'passed, then failed',
  vetoed: 'stopped by veto',
};

/** What the countdown leads to; undefined when nothing follows. */
export const nextInWords = (phase: ProposalView['phase']): string | undefined => {
  if (phase === 'draft') return 'Voting begins in';
  if (phase === 'voting') return 'Voting ends in';
  return phase === 'timelock' ? 'Carried out in' : undefined;
};

export const isDecided = ({ phase }: Pick<ProposalView, 'phase'>): boolean =>
  nextInWords(phase) === undefined;

/** Whether it passes if nobody else votes. */
export const standingInWords = (
  proposal: Pick<ProposalView, 'for' | 'against' | 'abstain' | 'quorum'>,
): string => {
  const { needed, reached } = proposal.quorum;
  if (proposal.for + proposal.against + proposal.abstain === 0) return 'Nobody has voted yet.';
  if (reached < needed) return `${formatVc(needed - reached)} of power must still take part.`;
  return proposal.for > proposal.against
    ? 'It passes as it stands now.'
    : 'It is rejected as it stands now: more must be for it than against it.';
};

export const shareInWords = (
  part: number,
  proposal: Pick<ProposalView, 'for' | 'against' | 'abstain'>,
): string => {
  const cast = proposal.for + proposal.against + proposal.abstain;
  return cast === 0 ? '0 %' : formatPercent(part / cast);
};

/** Money is typed and shown in VC, everything else as the whole number it is. */
export const isMoney = ({ unit }: Pick<ParameterView, 'unit'>): boolean => unit.startsWith('µVC');

/** "VC per epoch" for "µVC per epoch". */
export const unitInWords = (parameter: Pick<ParameterView, 'unit'>): string =>
  isMoney(parameter) ? parameter.unit.slice(1) : parameter.unit;

export const valueInWords = (parameter: Pick<ParameterView, 'unit'>, value: number): string => {
  const figure = isMoney(parameter) ? formatVcFigure(value) : formatInteger(value);
  const many = unitInWords(parameter);
  const unit = value === 1 && plurals.has(many) ? many.slice(0, -1) : many;
  return unit === '' ? figure : `${figure}\u00a0${unit}`;
};

/** Units that are words: one of them is "1 day". */
const plurals: ReadonlySet<string> = new Set(['days', 'epochs', 'units']);

/** "transferFee" as people read it: "Transfer fee". */
export const parameterName = (name: string): string => {
  const words = name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const readParameterValue = (parameter: ParameterView, text: string): Result<number, string> => {
  const read = isMoney(parameter) ? parseVc(text) : readWhole(text);
  if (!read.ok) return read;
  if (read.value === parameter.value)
    return err(`It is ${valueInWords(parameter, parameter.value)} already. Write another value.`);
  return read.value >= parameter.least && read.value <= parameter.most
    ? read
    : err(
        `One step leads from ${valueInWords(parameter, parameter.least)} to ${valueInWords(parameter, parameter.most)}. For more, propose again later.`,
      );
};

/** What the form of a proposal holds, whatever its kind. */
export type ProposalDraft = {
  readonly kind: GovernanceAction['kind'];
  readonly description: string;
  readonly parameter: string;
  readonly value: string;
  readonly to: string;
  readonly amount: string;
  readonly hash: string;
  readonly url: string;
};
export type DraftProblems = { readonly [Field in keyof ProposalDraft]?: string };

/** Of the field that is wrong, or the action. */
export const readAction = (
  draft: ProposalDraft,
  known: { readonly parameters: readonly ParameterView[]; readonly grantable: number },
): Result<GovernanceAction, DraftProblems> => {
  switch (draft.kind) {
    case 'parameter':
      return readParameterAction(draft, known.parameters);
    case 'treasury':
      return readGrant(draft, known.grantable);
    case 'upgrade':
      return readUpgrade(draft);
    default:
      return draft.kind satisfies never;
  }
};

const readParameterAction = (
  draft: ProposalDraft,
  parameters: readonly ParameterView[],
): Result<GovernanceAction, DraftProblems> => {
  const parameter = parameters.find(({ name }) => name === draft.parameter);
  if (!parameter) return err({ parameter: 'Choose what is to be set.' });
  const value = readParameterValue(parameter, draft.value);
  return value.ok
    ? ok({ kind: 'parameter', name: parameter.name, value: value.value })
    : err({ value: value.error });
};

const readGrant = (draft: ProposalDraft, grantable: number): Result<GovernanceAction, DraftProblems> => {
  const to = readAccount(draft.to);
  const amount = readGrantAmount(draft.amount, grantable);
  if (to.ok && amount.ok) return ok({ kind: 'treasury', to: to.value, amount: amount.value });
  return err({ ...(to.ok ? {} : { to: to.error }), ...(amount.ok ? {} : { amount: amount.error }) });
};

const readGrantAmount = (text: string, grantable: number): Result<number, string> => {
  const amount = parseVc(text);
  if (!amount.ok) return amount;
  if (amount.value === 0) return err('Write an amount above zero.');
  return amount.value <= grantable
    ? amount
    : err(`Proposals may still take ${formatVc(grantable)} from the treasury in these 30 days.`);
};

const readUpgrade = ({ hash, url }: ProposalDraft): Result<GovernanceAction, DraftProblems> => {
  const plain = hash.trim().toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(plain))
    return err({ hash: 'The SHA-256 of a build has 64 digits from 0 to 9 and a to f. Copy it whole.' });
  const where = url.trim();
  if (where !== '' && !/^https:\/\/\S+$/.test(where))
    return err({ url: 'An address begins with https:// and has no spaces. You can leave it out.' });
  return ok({ kind: 'upgrade', hash: plain, url: where });
};
