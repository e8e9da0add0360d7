import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import { createCandidate, formatCandidate, proposalOfCandidate } from '../../ledger/candidate.ts';
import {
  createPerson,
  createTestGenesis,
  createTestKeeper,
  createTestLedger,
  testCrypto,
} from '../../ledger/testDoubles.ts';
import type { LedgerState } from '../../ledger/types.ts';
import { keeperChangesOf, readKeeperChange } from './keeperChange.ts';

const { keeper, signer } = createTestKeeper('x');
const host = createPerson('host');
const begin = (hostUntilPower = 10_000_000_000) => {
  const ledger = createTestLedger(
    createTestGenesis({
      keepers: 4,
      host: host.id,
      parameters: { epochSeconds: 43_200, hostUntilPower },
      allocations: [{ account: host.id, amount: 1_000_000_000 }],
    }),
  );
  ledger.open(host);
  ledger.endEpochs(1);
  return ledger;
};
const askFor = ({ net, keepers, position }: LedgerState, seat: number) =>
  createCandidate(
    {
      net,
      description: 'x is closer',
      remove: keepers.slice(seat, seat + 1).map(({ key }) => key),
      add: [keeper],
    },
    signer,
    position.stateRoot,
  );
const read = (state: LedgerState, given: { candidates?: string; remove?: readonly string[] }) =>
  readKeeperChange(state, { kind: 'keepers', remove: [], candidates: '', ...given }, testCrypto);
const epoch = { number: 1, seconds: 43_200, endsAt: 5_000 };

describe('a change of keepers, before it is proposed', () => {
  it('says who would keep the ledger, and how many must agree', async () => {
    const { state } = begin();
    expect(await read(state, { candidates: formatCandidate(askFor(state, 2)) })).toMatchObject({
      ok: true,
      value: {
        view: {
          description: 'x is closer',
          words: expect.stringMatching(/^x .*keeps the ledger instead of 2$/),
          keepers: ['0', '1', 'x', '3'],
          quorum: 3,
          faults: 1,
        },
      },
    });
    const remove = state.keepers.slice(0, 3).map(({ key }) => toBase64url(key));
    expect(await read(state, { remove })).toMatchObject({
      value: {
        view: { description: undefined, words: 'Three keepers leave: 0, 1, 2', keepers: ['3'], quorum: 1 },
      },
    });
  });

  it('is refused with a word changed, too late, or by rules', async () => {
    const ledger = begin();
    const text = formatCandidate(askFor(ledger.state, 2));
    expect(await read(ledger.state, { candidates: text.replace('closer', 'nearer') })).toMatchObject({
      error: expect.stringContaining('changed after it was signed'),
    });
    ledger.endEpochs(1);
    expect(await read(ledger.state, { candidates: text })).toMatchObject({
      error: expect.stringContaining('another epoch'),
    });
    expect(await read(ledger.state, { remove: ['?'] })).toMatchObject({
      error: expect.stringContaining('removes 0'),
    });
  });
});

describe('a change that is decided', () => {
  it('is due with the epoch while the host governs', () => {
    const ledger = begin();
    expect(ledger.act(host, 'propose', proposalOfCandidate(askFor(ledger.state, 2)))).toBeUndefined();
    expect(keeperChangesOf(ledger.state, epoch)).toMatchObject([{ at: 5_000, unsigned: [] }]);
    ledger.endEpochs(1);
    expect(keeperChangesOf(ledger.state, epoch)).toEqual([]);
    expect(ledger.state.keepers.map(({ name }) => name)).toEqual(['0', '1', 'x', '3']);
  });

  it('is none before the vote is over, and then names who has not signed again', () => {
    const ledger = begin(0);
    ledger.endEpochs(18);
    const body = proposalOfCandidate(askFor(ledger.state, 2));
    expect(ledger.act(host, 'propose', body)).toBeUndefined();
    ledger.endEpochs(3);
    expect(keeperChangesOf(ledger.state, epoch)).toEqual([]);
    const [id] = [...ledger.state.governance.open.entries()].map(([known]) => known);
    expect(ledger.act(host, 'vote', { proposal: id ?? '', choice: 'for' })).toBeUndefined();
    ledger.endEpochs(15);
    expect(keeperChangesOf(ledger.state, epoch)).toMatchObject([{ proposal: id, unsigned: ['x'] }]);
  });
});
