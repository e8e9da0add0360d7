import { describe, expect, it } from 'vitest';
import type { OpenLedgerView, PendingView } from '../../../../app/readModels.ts';
import { fixtureLedger } from '../../../ledgerDoubles.ts';
import {
  filterHistory,
  mostToSend,
  onItsWay,
  pendingInWords,
  readAmountToSend,
  readMemo,
} from './moneyWords.ts';

const { wallet } = fixtureLedger('open', 0) as OpenLedgerView;
const pending = (amount: number, state: PendingView['state']): PendingView => ({
  id: '',
  what: '',
  amount,
  since: 0,
  state,
  reason: undefined,
});
const purse = (balance: number, ...list: PendingView[]) => ({ balance, transferFee: 1_000, pending: list });

describe('the history', () => {
  it('is sorted by the direction of the money', () => {
    const all = filterHistory(wallet.history, 'all');
    const ways = [filterHistory(all, 'in'), filterHistory(all, 'out')] as const;
    expect(all).toHaveLength(wallet.history.length);
    expect(ways[0].every(({ amount }) => amount > 0)).toBe(true);
    expect(ways[1].every(({ amount }) => amount < 0)).toBe(true);
    expect(ways[0].length + ways[1].length).toBe(all.filter(({ amount }) => amount !== 0).length);
    expect(all.some(({ amount }) => amount === 0)).toBe(true);
  });
});

describe('what can be sent', () => {
  it('is what is there less what is on its way and the fee', () => {
    const some = purse(10_000_000, pending(-2_001_000, 'pending'), pending(-1_001_000, 'waiting'));
    expect(onItsWay(some)).toBe(3_002_000);
    expect(mostToSend(some)).toBe(6_997_000);
    expect(readAmountToSend('6.997', some)).toEqual({ ok: true, value: 6_997_000 });
    expect(readAmountToSend('6.997001', some).ok).toBe(false);
  });
  it('what was refused is still there, and what comes in is not yet', () => {
    expect(mostToSend(purse(5_000_000, pending(-4_000_000, 'refused')))).toBe(4_999_000);
    expect(mostToSend(purse(5_000_000, pending(4_000_000, 'pending')))).toBe(4_999_000);
  });
  it.each([
    ['0', 'above zero'],
    ['6', 'at most: 5 VC less the fee of 0.001 VC'],
    ['1,000', 'two amounts'],
  ])('%j is refused in words', (text, words) => {
    const read = readAmountToSend(text, purse(5_000_000));
    expect((read.ok ? '' : read.error).replaceAll('\u00a0', ' ')).toContain(words);
  });
  it('nothing can be sent from less than the fee', () => {
    const read = readAmountToSend('0.0001', purse(900));
    expect((read.ok ? '' : read.error).replaceAll('\u00a0', ' ')).toContain(
      'nothing to send: the fee is 0.001 VC, and 0.0009 VC',
    );
  });
});

it('a note is trimmed, and refused when it is too long', () => {
  expect(readMemo(' tea ')).toEqual({ ok: true, value: 'tea' });
  expect(readMemo('x'.repeat(140)).ok).toBe(true);
  expect(readMemo('x'.repeat(141)).ok).toBe(false);
});

it('every state of an operation says what becomes of it', () => {
  expect(pendingInWords({ state: 'pending', reason: undefined })).toContain('final when');
  expect(pendingInWords({ state: 'waiting', reason: 'No keeper answers.' })).toContain(
    'will be sent as soon as one answers (no keeper answers).',
  );
  expect(pendingInWords({ state: 'refused', reason: 'Too late.' })).toBe('Will never be final. Too late.');
  expect(pendingInWords({ state: 'refused', reason: undefined })).toContain('did not say why');
});
