import { buildOperationsBlock } from '../../../src/ledger/build.ts';
import { operationOf, type Person } from '../../../src/ledger/testDoubles.ts';
import type { LedgerState, Operation, OperationKind } from '../../../src/ledger/types.ts';
import { createSeededRandom } from '../../simulation/random.ts';
import { candidatesOf } from './candidates.ts';
import type { Vocabulary } from './values.ts';
import type { Village } from './village.ts';

const seed = 7;
/** So that no kind drowns the others. */
const mostOfAKind = 8;

/** Some of every kind that would be taken now. */
export const validOperations = (state: LedgerState, people: readonly Person[]): readonly Operation[] => {
  const byKind = new Map<OperationKind, Operation[]>();
  const random = createSeededRandom(seed);
  for (let round = 0; round < 3; round++) {
    for (const { person, kind, body } of candidatesOf(state, people, random)) {
      const read = operationOf(state, person.device, { account: person.id, kind, body });
      const known = byKind.get(kind) ?? [];
      if (known.length >= mostOfAKind || !buildOperationsBlock(state, [read], maker).block) continue;
      byKind.set(kind, [...known, read.operation]);
    }
  }
  return [...byKind.values()].flat();
};

const maker = { creator: 0, time: 0 };

/** What a village's operations may name: whatever it has, and names that mean something to JavaScript. */
export const vocabularyOf = ({ state, people }: Village): Vocabulary => ({
  texts: [
    ...people.map(({ id }) => id),
    ...state.market.escrows.keys(),
    ...state.market.closed.keys(),
    ...state.mint.listings.keys(),
    ...state.governance.open.keys(),
    ...state.governance.closed.keys(),
    ...['ocr', 'constructor', '__proto__', 'toString', '', 'current', 'for', 'transfer', 'judge'],
  ],
  bytes: [
    ...state.keepers.flatMap(({ key, beacon }) => [key, beacon]),
    ...people.map(({ device }) => device.publicKey),
    state.position.stateRoot,
  ],
});
