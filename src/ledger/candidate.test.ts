import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import {
  type Candidate,
  checkCandidate,
  createCandidate,
  formatCandidate,
  mergeCandidates,
  parseCandidates,
  proposalOfCandidate,
} from './candidate.ts';
import { createTestGenesis, createTestKeeper, createTestLedger, testVerify } from './testDoubles.ts';
import { countersignatureMessage, proposalIdOf } from './transition/governance/proposals.ts';
import type { LedgerState } from './types.ts';

const [x, y, z] = [createTestKeeper('x'), createTestKeeper('y'), createTestKeeper('z')];
const begin = (keepers = 4) => createTestLedger(createTestGenesis({ keepers }));
type Newcomer = typeof x;

const ask = (state: LedgerState, by: Newcomer, add: readonly Newcomer[], remove: readonly number[] = []) =>
  createCandidate(
    {
      net: state.net,
      description: 'A change',
      remove: state.keepers.filter((_, seat) => remove.includes(seat)).map(({ key }) => key),
      add: add.map(({ keeper }) => keeper),
    },
    by.signer,
    state.position.stateRoot,
  );
const why = (state: LedgerState, candidate: Omit<Candidate, 'description'>) => {
  const checked = checkCandidate(state, candidate);
  return checked.ok ? checked.value.map(({ name }) => name) : checked.error.message;
};

describe('the text of a newcomer', () => {
  it('is read as it was written, and signed for the proposal it makes', () => {
    const { state } = begin();
    const candidate = ask(state, x, [x], [1]);
    expect(unwrap(parseCandidates(formatCandidate(candidate)))).toEqual([candidate]);
    const id = proposalIdOf(proposalOfCandidate(candidate));
    const [signed] = candidate.countersignatures;
    const message = countersignatureMessage(state.net, id, state.position.stateRoot);
    expect(signed && testVerify(signed.key, message, signed.signature)).toBe(true);
    expect(why(state, candidate)).toEqual(['0', 'x', '2', '3']);
  });

  it('of three newcomers is one proposal, when all three are there', () => {
    const { state } = begin();
    const texts = [ask(state, x, [x, y, z]), ask(state, y, [z, y, x]), ask(state, z, [y, x, z])];
    const pasted = texts.map(formatCandidate).join('\n\n');
    const merged = unwrap(mergeCandidates(unwrap(parseCandidates(pasted))));
    expect(why(state, merged)).toHaveLength(7);
    const two = unwrap(mergeCandidates(texts.slice(0, 2)));
    expect(why(state, two)).toContain('z did not sign it yet');
    expect(mergeCandidates([ask(state, x, [x], [1]), ask(state, y, [y], [1])])).toMatchObject({
      error: { message: expect.stringContaining('two proposals') },
    });
  });

  it('holds for an epoch, on its ledger, for a change that rules allow', () => {
    const ledger = begin();
    const candidate = ask(ledger.state, x, [x], [1]);
    ledger.endEpochs(1);
    expect(why(ledger.state, candidate)).toContain('holds for one only');
    const { state } = ledger;
    expect(why(state, ask(begin(1).state, x, [x], [0]))).toContain('another ledger');
    expect(why(state, ask(state, x, [x, y], []))).toContain('three more or three less');
    const leaving = state.keepers.slice(1).map(({ key }) => key);
    const { net } = state;
    expect(why(state, { net, remove: leaving, add: [], countersignatures: [] })).toEqual(['0']);
    expect(why(state, { net, remove: leaving.slice(1), add: [], countersignatures: [] })).toContain(
      'removes 2',
    );
  });

  it.each([
    ['', 'no text'],
    ['hello', 'paste the whole'],
    ['{"v":1}', 'no text of a newcomer'],
    ['{"v":2}', 'another version'],
    [`${'['.repeat(50_000)}`, 'paste the whole'],
    ['x'.repeat(70_000), 'at most 65536'],
  ])('is nothing else (%#)', (text, reason) => {
    const read = parseCandidates(text);
    const merged = read.ok ? mergeCandidates(read.value) : read;
    expect(!merged.ok && merged.error.message).toContain(reason);
  });
});
