import { describe, expect, it } from 'vitest';
import type { OpenLedgerView, ParameterView } from '../../../../app/readModels.ts';
import { fixtureAccount, fixtureLedger } from '../../../ledgerDoubles.ts';
import {
  isDecided,
  type ProposalDraft,
  parameterName,
  readAction,
  readParameterValue,
  shareInWords,
  standingInWords,
  valueInWords,
} from './voteWords.ts';

const { governance } = fixtureLedger('open', 0) as OpenLedgerView;
const parameter = (name: string): ParameterView =>
  governance.parameters.find((entry) => entry.name === name)!;
const plain = (text: string) => text.replaceAll('\u00a0', ' ').replaceAll('\u202f', ' ');
const why = (read: ReturnType<typeof readParameterValue>) => (read.ok ? '' : plain(read.error));

describe('a setting', () => {
  it('has its unit, money in VC', () => {
    expect(plain(valueInWords(parameter('transferFee'), 1_000))).toBe('0.001 VC');
    expect(plain(valueInWords(parameter('mintCap'), 1_000_000_000))).toBe('1 000 VC per epoch');
    expect(plain(valueInWords(parameter('votingDays'), 7))).toBe('7 days');
    expect(plain(valueInWords(parameter('votingDays'), 1))).toBe('1 day');
    expect(plain(valueInWords({ unit: 's' }, 1))).toBe('1 s');
    expect(valueInWords(parameter('payFeeDivisor'), 50)).toBe('50');
    expect(parameterName('transferFee')).toBe('Transfer fee');
  });

  it('is read in the unit it is shown in, within one step', () => {
    const fee = parameter('transferFee');
    expect(readParameterValue(fee, '0.0005')).toEqual({ ok: true, value: 500 });
    expect(why(readParameterValue(fee, '0.0004'))).toContain('from 0.0005 VC to 0.002 VC');
    expect(why(readParameterValue(fee, '0.001'))).toContain('is 0.001 VC already');
    expect(readParameterValue(parameter('votingDays'), '14')).toEqual({ ok: true, value: 14 });
    expect(why(readParameterValue(parameter('votingDays'), '7.5'))).toContain('whole number');
  });
});

describe('a tally', () => {
  const tally = (yes: number, no: number, reached: number) => ({
    for: yes,
    against: no,
    abstain: 0,
    quorum: { needed: 10_000_000, reached },
  });
  it.each([
    [tally(0, 0, 0), 'Nobody has voted'],
    [tally(4_000_000, 0, 4_000_000), '6 VC of power must still take part'],
    [tally(6_000_000, 5_000_000, 11_000_000), 'It passes as it stands'],
    [tally(6_000_000, 6_000_000, 12_000_000), 'rejected as it stands'],
  ])('%# is said in words', (proposal, words) => expect(plain(standingInWords(proposal))).toContain(words));

  it('has shares of what was cast', () => {
    expect(shareInWords(3, { for: 3, against: 1, abstain: 0 })).toBe('75 %');
    expect(shareInWords(0, { for: 0, against: 0, abstain: 0 })).toBe('0 %');
  });
});

it('what can’t change any more is decided', () => {
  expect(governance.proposals.filter(isDecided).map(({ phase }) => phase)).toEqual([
    'rejected',
    'failed',
    'executed',
  ]);
});

describe('a proposal as it is written', () => {
  const blank: ProposalDraft = {
    kind: 'parameter',
    description: '',
    parameter: '',
    value: '',
    to: '',
    amount: '',
    hash: '',
    url: '',
  };
  const read = (draft: Partial<ProposalDraft>) => readAction({ ...blank, ...draft }, governance);

  it('becomes an action', () => {
    expect(read({ parameter: 'votingDays', value: '10' })).toEqual({
      ok: true,
      value: { kind: 'parameter', name: 'votingDays', value: 10 },
    });
    expect(read({ kind: 'treasury', to: fixtureAccount(2), amount: '3100' })).toEqual({
      ok: true,
      value: { kind: 'treasury', to: fixtureAccount(2), amount: 3_100_000_000 },
    });
    expect(read({ kind: 'upgrade', hash: ` ${'AB'.repeat(32)} ` })).toEqual({
      ok: true,
      value: { kind: 'upgrade', hash: 'ab'.repeat(32), url: '' },
    });
  });

  it.each([
    [{}, ['parameter']],
    [{ parameter: 'votingDays', value: '90' }, ['value']],
    [{ kind: 'treasury' }, ['to', 'amount']],
    [{ kind: 'treasury', to: fixtureAccount(2), amount: '3100.000001' }, ['amount']],
    [{ kind: 'upgrade', hash: 'ab' }, ['hash']],
    [{ kind: 'upgrade', hash: 'ab'.repeat(32), url: 'http://example.org' }, ['url']],
  ] as const)('%j is wrong in %j', (draft, fields) => {
    const result = read(draft);
    expect(result.ok ? [] : Object.keys(result.error)).toEqual(fields);
  });
});
