import {
  createPerson,
  createTestGenesis,
  createTestKeeper,
  createTestLedger,
  type Person,
} from '../../../src/ledger/testDoubles.ts';
import type { LedgerState, Operation } from '../../../src/ledger/types.ts';
import { createSeededRandom } from '../../simulation/random.ts';
import { type Candidate, candidatesOf, listings } from './candidates.ts';
import { validOperations } from './corpus.ts';

/**
 * A small swarm with a past: everything that an operation can refer to is there, in every phase. Nothing in it is made up:
 * all came by operations and epoch blocks that were applied and audited.
 */
export type Village = {
  readonly state: LedgerState;
  readonly people: readonly Person[];
  /** Some of every kind that it would take now. */
  readonly operations: readonly Operation[];
};

const vc = 1_000_000;
const lifetimeEpochs = 40;

export const keeperPeople = Array.from({ length: 4 }, (_, seat) => createTestKeeper(`${seat}`).person);
export const host = createPerson('host');
export const people: readonly Person[] = [
  host,
  ...['ana', 'ben', 'cem', 'dora', 'emil', 'fay'].map(createPerson),
  ...keeperPeople,
];

/** Where the host governs, what it proposes is carried out by the next epoch block. */
export const createVillage = (hostGoverns: boolean, seed: number): Village => {
  const random = createSeededRandom(seed).fork('village');
  const ledger = createTestLedger(
    createTestGenesis({
      keepers: 4,
      host: host.id,
      allocations: people.map(({ id }) => ({ account: id, amount: 5_000 * vc })),
      parameters: {
        epochSeconds: 43_200, // two epochs are a day
        hostUntilPower: hostGoverns ? Number.MAX_SAFE_INTEGER : 0,
        proposalDeposit: vc,
        votingDays: 3,
        veteranStreak: 2,
        vestAfter: 3,
        auditPermille: 500,
        challengeEpochs: 4,
      },
    }),
  );
  ledger.open(...people);
  ledger.endEpochs(18);
  const propose = { description: 'Public work', actions: listings, countersignatures: [] };
  ledger.act(host, 'propose', propose);
  ledger.endEpochs(2);
  const [proposal] = ledger.state.governance.open.keys();
  if (proposal !== undefined)
    for (const person of people) ledger.act(person, 'vote', { proposal, choice: 'for' });
  ledger.endEpochs(12);
  let best = { state: ledger.state, phases: 0 };
  for (let epoch = 0; epoch < lifetimeEpochs; epoch++) {
    for (const candidate of candidatesOf(ledger.state, people, random)) {
      const { person, kind, body } = candidate;
      if (leavesRoom(ledger.state, candidate) && random.chance(chances[kind] ?? 0.3))
        ledger.act(person, kind, body);
    }
    const phases = phasesOf(ledger.state).size;
    if (phases >= best.phases) best = { state: ledger.state, phases };
    ledger.endEpochs(1);
  }
  return { state: best.state, people, operations: validOperations(best.state, people) };
};

/** Nobody closes the listings, and everybody keeps a place for one more proposal: else little could be done in the end. */
const leavesRoom = ({ governance }: LedgerState, { person, kind, body }: Candidate): boolean => {
  if (kind !== 'propose') return true;
  const own = [...governance.open.entries()].filter(([, { proposer }]) => proposer === person.id);
  return own.length < 2 && body.actions.every((action) => action.kind !== 'unlisting');
};

const chances: Partial<Record<Candidate['kind'], number>> = {
  enrol: 0.9,
  beacon: 0.5,
  judge: 0.4,
  reveal: 0.6,
  openings: 0.6,
  propose: 0.25,
  rotate: 0.02,
  recovery: 0.02,
  cancel: 0.05,
  delegate: 0.05,
  veto: 0.1,
  evidence: 0.1,
  open: 0,
};

/** Of units, proposals and orders, and whatever else an operation may find or not. */
export const phasesOf = ({ mint, market, governance, evidence, reveals }: LedgerState): ReadonlySet<string> =>
  new Set([
    ...[...mint.units.entries()].map(([, { phase }]) => `unit: ${phase}`),
    ...[...governance.open.entries()].map(([, { stage }]) => `proposal: ${stage.phase}`),
    ...[...governance.closed.entries()].map(([, { stage }]) => `proposal: ${stage.phase}`),
    ...[...market.escrows.entries()].map(
      ([, { settled, shares }]) => `order: ${settled ? 'settled' : shares.length > 0 ? 'matched' : 'placed'}`,
    ),
    ...(market.offers.size > 0 ? ['offers'] : []),
    ...(mint.enrolments.size > 0 ? ['enrolments'] : []),
    ...(mint.unvested > 0 ? ['unvested'] : []),
    ...(governance.delegates.size > 0 ? ['delegates'] : []),
    ...(evidence.size > 0 ? ['evidence'] : []),
    ...(Object.keys(reveals).length > 0 ? ['reveals'] : []),
  ]);
