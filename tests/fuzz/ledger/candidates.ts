import { equalBytes } from '../../../src/core/bytes.ts';
import { sha256Bytes } from '../../../src/core/hash.ts';
import { consensusBytes } from '../../../src/ledger/messages.ts';
import {
  beaconChain,
  createPerson,
  createTestKeeper,
  createTestSigner,
  openBodyOf,
  type Person,
} from '../../../src/ledger/testDoubles.ts';
import { newcomersOf } from '../../../src/ledger/transition/governance/actions/keepers.ts';
import {
  countersignatureMessage,
  proposalIdOf,
} from '../../../src/ledger/transition/governance/proposals.ts';
import type { Action, Countersignature } from '../../../src/ledger/transition/governance/types.ts';
import { signedReceiptOf } from '../../../src/ledger/transition/market/testDoubles.ts';
import type { Escrow } from '../../../src/ledger/transition/market/types.ts';
import type { Assignment } from '../../../src/ledger/transition/mint/index.ts';
import { createTerms, hashOf, takeTurn } from '../../../src/ledger/transition/mint/testDoubles.ts';
import type {
  BlockId,
  Keeper,
  LedgerState,
  OperationBodies,
  OperationId,
  OperationKind,
} from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../../simulation/random.ts';

/** Something that somebody may want to do now; whether it is allowed is for the ledger to say. */
export type Candidate<Kind extends OperationKind = OperationKind> = {
  readonly [K in Kind]: { readonly person: Person; readonly kind: K; readonly body: OperationBodies[K] };
}[Kind];

export const listings: readonly Action[] = [
  { kind: 'listing', listing: createTerms({ title: 'by hash' }) },
  {
    kind: 'listing',
    listing: createTerms({ title: 'on a grid', match: { kind: 'grid', values: 64, step: 1_000 } }),
  },
];

/** Of every kind, in an order that lets most of them happen one after the other. */
export const candidatesOf = (
  state: LedgerState,
  people: readonly Person[],
  random: SeededRandom,
): readonly Candidate[] => [
  ...ofKeys(people, random),
  ...ofKeepers(state, people, random),
  ...ofMarket(state, people, random),
  ...ofMint(state, people, random),
  ...ofGovernance(state, people, random),
];

const ofKeys = (people: readonly Person[], random: SeededRandom): readonly Candidate[] => {
  const stranger = createPerson('stranger');
  const { device, recovery } = createPerson(`new device ${random.int(1_000)}`);
  const [from, to] = [random.pick(people), random.pick(people)];
  return [
    { person: stranger, kind: 'open', body: openBodyOf(stranger) },
    { person: from, kind: 'transfer', body: { to: to.id, amount: 1 + random.int(1_000_000) } },
    { person: from, kind: 'transfer', body: { to: stranger.id, amount: 1, memo: 'for bread' } },
    { person: to, kind: 'rotate', body: { key: device.publicKey, by: 'current' } },
    { person: to, kind: 'rotate', body: { key: device.publicKey, by: 'recovery' } },
    { person: from, kind: 'recovery', body: { key: recovery.publicKey } },
  ];
};

const ofKeepers = (
  state: LedgerState,
  people: readonly Person[],
  random: SeededRandom,
): readonly Candidate[] => {
  const keeper = random.int(state.keepers.length);
  const signer = createTestSigner(`keeper ${keeper}`);
  const [first, second] = [null, state.position.head].map((value) => {
    const { net, position } = state;
    const vote = {
      net,
      type: 'precommit',
      height: position.height,
      round: 1,
      value: value as BlockId | null,
    } as const;
    const bytes = consensusBytes(vote);
    return { bytes, signature: signer.sign(bytes) };
  });
  if (!first || !second) return [];
  return [
    ...state.keepers.flatMap(({ name, beacon }, seat): Candidate[] => {
      const preimage = beaconChain(name, 64).find((link) => equalBytes(sha256Bytes(link), beacon));
      return preimage
        ? [{ person: random.pick(people), kind: 'beacon', body: { keeper: seat, preimage } }]
        : [];
    }),
    { person: random.pick(people), kind: 'evidence', body: { keeper, first, second } },
  ];
};

const ofMarket = (
  state: LedgerState,
  people: readonly Person[],
  random: SeededRandom,
): readonly Candidate[] => {
  const job = `job-${random.int(1_000)}`;
  const deadline = state.epoch + 2 + random.int(6);
  return [
    ...[1, 2, 3].map(
      (n): Candidate => ({
        person: random.pick(people),
        kind: 'order',
        body: { class: 'ocr', max: 1_000, limit: 2 * 10 ** 9, deadline, job: `${job}.${n}` },
      }),
    ),
    {
      person: random.pick(people),
      kind: 'offer',
      body: { class: 'ocr', capacity: random.int(10_000), minPrice: 8 },
    },
    ...[...state.market.escrows.entries()].flatMap(([id, escrow]) =>
      ofOrder(id as OperationId, escrow, people, random),
    ),
  ];
};

const ofOrder = (
  escrow: OperationId,
  { payer, job, payees, shares }: Escrow,
  people: readonly Person[],
  random: SeededRandom,
) => {
  const requester = people.find(({ id }) => id === payer);
  if (!requester) return [];
  const [worker, other] = people.filter(({ id }) => id !== payer).slice(random.int(4));
  if (!worker || !other) return [];
  const done = Object.entries(payees).map(
    ([account, { cost }]) => [account as Person['id'], cost + random.int(50)] as const,
  );
  const settled = done.length > 0 ? done : shares.map(([account]) => [account, random.int(50) + 1] as const);
  const receipts = [1, 2].map((n) =>
    signedReceiptOf({ requester, worker, job, unit: `unit ${random.int(9)}${n}`, cost: 1 + random.int(100) }),
  );
  return [
    {
      person: requester,
      kind: 'match',
      body: {
        escrow,
        shares: [
          [worker.id, 300],
          [other.id, 400],
        ],
      },
    },
    { person: requester, kind: 'settle', body: { escrow, payees: settled } },
    { person: worker, kind: 'claim', body: { escrow, receipts } },
    { person: requester, kind: 'cancel', body: { escrow } },
  ] satisfies readonly Candidate[];
};

const ofMint = (
  state: LedgerState,
  people: readonly Person[],
  random: SeededRandom,
): readonly Candidate[] => {
  const wanted: Candidate[] = [];
  const act = <Kind extends OperationKind>(person: Person, kind: Kind, body: OperationBodies[Kind]) => {
    wanted.push({ person, kind, body } as Candidate);
    return undefined;
  };
  const ids = [...state.mint.listings.keys()];
  for (const person of people) {
    for (const listing of ids) {
      const units = 1 + random.int(3);
      act(person, 'enrol', { listing: listing as Assignment['listing'], units });
    }
    takeTurn({ state, act }, person, (due) =>
      random.chance(0.1) ? undefined : outputOf(state, due, random),
    );
  }
  return wanted;
};

/** One in eight is wrong. What was committed to is what is revealed, as long as the draw is the account's and the unit's. */
const outputOf = ({ mint }: LedgerState, { listing, unit }: Assignment, random: SeededRandom) => {
  const wrong = unit % 5 === 0 && random.chance(0.5) ? 1 : 0;
  const match = mint.listings.get(listing)?.match;
  return match?.kind === 'grid'
    ? Int32Array.from({ length: match.values }, (_, at) => 100 * unit + at + 10 * wrong)
    : hashOf(`${listing}/${unit}/${wrong}`);
};

const ofGovernance = (
  state: LedgerState,
  people: readonly Person[],
  random: SeededRandom,
): readonly Candidate[] => {
  const host = people.find(({ id }) => id === state.host);
  const [proposer, other] = [random.pick(people), random.pick(people)];
  const by = state.governance.hostGoverns && host ? host : proposer;
  const description = `Number ${random.int(1_000)}`;
  return [
    ...actionsOf(state, other, random).map(
      (action): Candidate => ({
        person: by,
        kind: 'propose',
        body: {
          description,
          actions: [action],
          countersignatures: newcomersOf([action]).map((one) =>
            countersigned(state, proposalIdOf({ actions: [action], description }), one),
          ),
        },
      }),
    ),
    ...[...state.governance.open.entries()].flatMap(([proposal, { actions }]): Candidate[] => [
      ...people.map(
        (person): Candidate => ({
          person,
          kind: 'vote',
          body: { proposal, choice: random.pick(['for', 'for', 'for', 'against', 'abstain']) },
        }),
      ),
      { person: proposer, kind: 'veto', body: { proposal } },
      ...newcomersOf(actions).map(
        (one): Candidate => ({
          person: other,
          kind: 'countersign',
          body: { proposal, ...countersigned(state, proposal, one) },
        }),
      ),
    ]),
    { person: proposer, kind: 'delegate', body: { to: other.id } },
    { person: proposer, kind: 'delegate', body: { to: null } },
  ];
};

const countersigned = (
  { net, position: { stateRoot } }: LedgerState,
  proposal: string,
  { key, name }: Keeper,
): Countersignature => ({
  key,
  stateRoot,
  signature: createTestKeeper(name).signer.sign(countersignatureMessage(net, proposal, stateRoot)),
});

/** The first of a row of strangers who is no keeper yet. */
const newcomerTo = (keepers: readonly Keeper[]): Keeper => {
  const names = new Set(keepers.map(({ name }) => name));
  let number = 0;
  while (names.has(`newcomer ${number}`)) number++;
  return createTestKeeper(`newcomer ${number}`).keeper;
};

const actionsOf = (state: LedgerState, other: Person, random: SeededRandom): readonly Action[] => {
  const { parameters, keepers, mint } = state;
  const name = random.pick([
    'transferFee',
    'mintRate',
    'challengeEpochs',
    'votingDays',
    'epochSeconds',
  ] as const);
  const [id] = mint.listings.keys();
  return [
    { kind: 'parameter', name, value: parameters[name] + 1 },
    { kind: 'upgrade', build: random.pick(['ab', 'cd']).repeat(32), url: 'https://example.org/' },
    { kind: 'treasury', to: other.id, amount: 1 + random.int(1_000_000) },
    { kind: 'keepers', remove: keepers.slice(3, 4).map(({ key }) => key), add: [newcomerTo(keepers)] },
    { kind: 'listing', listing: createTerms({ title: `more ${random.int(1_000)}` }) },
    ...(id === undefined ? [] : [{ kind: 'unlisting', id: id as Assignment['listing'] } as const]),
  ];
};
