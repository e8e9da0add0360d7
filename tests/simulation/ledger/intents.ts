import {
  countersignatureMessage,
  proposalIdOf,
} from '../../../src/ledger/transition/governance/proposals.ts';
import type { Action } from '../../../src/ledger/transition/governance/types.ts';
import type { LedgerState, Operation, OperationBodies, OperationId } from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../random.ts';
import type { World } from './host.ts';
import { type Owner, openBody } from './people.ts';

type Wish<Kind extends keyof OperationBodies> = {
  readonly [K in Kind]: { readonly kind: K; readonly body: OperationBodies[K] };
}[Kind];
export type Wanted = Wish<
  'open' | 'transfer' | 'rotate' | 'order' | 'settle' | 'cancel' | 'propose' | 'beacon'
>;

/** Something an owner wants once, whatever happens to its wallet. Changed from attempt to attempt or not: the intent is one. */
export type Intent = {
  readonly name: string;
  readonly make: (attempt: number, state: LedgerState) => Wanted;
};

type Wisher = {
  readonly world: World;
  readonly owner: Owner;
  readonly payees: readonly Owner['id'][];
  readonly random: SeededRandom;
};

export const drawIntents = (wisher: Wisher): readonly Intent[] => {
  const { world, owner, payees, random } = wisher;
  const { plan, scheme } = world;
  const intents: Intent[] = [
    { name: `open ${owner.id}`, make: () => ({ kind: 'open', body: openBody(owner) }) },
  ];
  const rotates = random.chance(0.25) ? random.int(plan.intents) : -1;
  for (let count = 0; count < plan.intents; count++) {
    const to = random.pick(payees.filter((id) => id !== owner.id));
    const amount = 1 + random.int(1_000_000);
    const name = `${owner.name} pays ${count}`;
    if (count === rotates) {
      const { publicKey: key } = scheme.signer(`${owner.name}'s next device`);
      const by = random.chance(0.5) ? 'current' : 'recovery';
      intents.push({ name: `${owner.name} rotates`, make: () => ({ kind: 'rotate', body: { key, by } }) });
    }
    // The note differs, the intent is one.
    intents.push({
      name,
      make: (attempt) => ({ kind: 'transfer', body: { to, amount, memo: `${name}~${attempt}` } }),
    });
  }
  const own = { ...wisher, random: random.fork('business') };
  if (plan.trade) intents.push(...trade(own));
  if (owner.id === world.genesis.host) intents.push(...govern(own));
  return intents;
};

/** Orders work, and then settles or cancels the order. */
const trade = ({ owner, payees, random }: Wisher): readonly Intent[] => {
  const worker = random.pick(payees.filter((id) => id !== owner.id));
  const max = 1_000 + random.int(1_000);
  const done = 1 + random.int(max);
  const settles = random.chance(0.6);
  return [
    {
      name: `${owner.name} orders`,
      make: (_, { epoch, market }) => {
        const limit = 2 * (market.classes[work]?.price ?? 1);
        return { kind: 'order', body: { class: work, max, limit, deadline: epoch + 20, job } };
      },
    },
    {
      name: `${owner.name} ${settles ? 'settles' : 'cancels'}`,
      make: (_, state) => {
        const escrow = orderOf(state, owner.id);
        if (!escrow) throw new Error('an order that is final is not there');
        return settles
          ? { kind: 'settle', body: { escrow, payees: [[worker, done]] } }
          : { kind: 'cancel', body: { escrow } };
      },
    },
  ];
};

const work = 'ocr';
const job = 'job';
export const orderOf = ({ market }: LedgerState, payer: string): OperationId | undefined =>
  market.jobs.get(`${payer}/${job}`);

/** What the host may do until others have power: its proposals are carried out by the next epoch block. */
const govern = ({ world, payees, random }: Wisher): readonly Intent[] => {
  const { plan, joining, beacons } = world;
  const intents: Intent[] = [];
  const reveals = beacons.findIndex((_, seat) => seat !== plan.newcomer);
  const preimage = beacons[reveals];
  if (plan.govern && preimage)
    intents.push({
      name: `keeper ${reveals} reveals`,
      make: () => ({ kind: 'beacon', body: { keeper: reveals, preimage } }),
    });
  if (plan.govern) {
    const grant: Action = { kind: 'treasury', to: random.pick(payees), amount: 1 + random.int(1_000_000) };
    const value = random.pick([500, 1_500, 2_000]);
    const actions: Action[] = [{ kind: 'parameter', name: 'transferFee', value }, grant];
    intents.push({
      name: 'the host proposes',
      make: () => ({ kind: 'propose', body: { description: 'A grant', actions, countersignatures: [] } }),
    });
  }
  if (joining && plan.newcomerBy === 'proposal')
    intents.push({
      name: 'the host proposes a keeper',
      make: (_, { net, position }) => {
        const { keeper, signer, leaves } = joining;
        const actions: Action[] = [{ kind: 'keepers', remove: [leaves], add: [keeper] }];
        const description = 'A new keeper';
        const { stateRoot } = position;
        const message = countersignatureMessage(net, proposalIdOf({ actions, description }), stateRoot);
        const countersignatures = [{ key: keeper.key, stateRoot, signature: signer.sign(message) }];
        return { kind: 'propose', body: { description, actions, countersignatures } };
      },
    });
  return random.chance(0.5) ? intents : intents.toReversed();
};

/** By name: the memo of a transfer, the opening of an account; of the rest everybody wants at most one of each kind. */
export const intentOf = (operation: Operation): string | undefined => {
  switch (operation.kind) {
    case 'transfer':
      return operation.body.memo?.split('~')[0];
    case 'open':
    case 'order':
      return `${operation.kind} ${operation.account}`;
    case 'propose':
      return proposalIdOf(operation.body);
    default:
      return undefined;
  }
};
